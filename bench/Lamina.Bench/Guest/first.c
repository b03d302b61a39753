/*
 * The first program of every system that the boot benchmark starts: says when it runs and what memory is left, runs a shell and
 * an interpreter once, and turns the machine off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);      /* since the kernel has a clock, which is right at its start */
    return time.tv_sec + time.tv_nsec / 1e9;
}

static long memory(const char *what)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, what, strlen(what)))
            value = atol(line + strlen(what));
    }
    if (file)
        fclose(file);
    return value;
}

static int run(char *const *command)
{
    int status = -1;
    pid_t child = fork();
    if (!child) {
        execv(command[0], command);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return status;
}

int main(void)
{
    static char log[1 << 18];
    double first = now();
    char *shell[] = { "/bin/bash", "-c", "test -d /usr && echo 'B: shell'", NULL };
    char *interpreter[] = { "/usr/bin/python3", "-c",
        "import json, os; print('B: interpreter', len(os.listdir('/usr')) > 3)", NULL };
    mount("proc", "/proc", "proc", 0, NULL);    /* nothing is mounted on the root of an initramfs; elsewhere it is there */
    long available = memory("MemAvailable:");
    setenv("PATH", "/usr/bin:/bin", 1);
    int failed = run(shell) | run(interpreter);
    printf("B: first %.3f\nB: available %ld\nB: later %ld\nB: failed %d\n", first, available, memory("MemAvailable:"), failed);
    int size = klogctl(3, log, sizeof log - 1);
    for (char *line = strtok(log, "\n"); size > 0 && line; line = strtok(NULL, "\n")) {
        if (strstr(line, "lamina: "))
            printf("B: log %s\n", line);
    }
    printf("B: end\n");
    fflush(stdout);
    reboot(RB_POWER_OFF);
    return 0;
}
