/*
 * The init of a system that measures what direct access to persistent memory saves: it mounts /dev/pmem0 without and with
 * dax=always, reads all of its file "data" each time, and says by how much the page cache has grown. Then it turns the machine off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

static long cached(void)
{
    char line[256];
    long size = -1;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Cached: %ld kB", &size) == 1)
            break;
    if (file)
        fclose(file);
    return size;
}

static void measure(const char *options)
{
    static char buffer[1 << 20];
    unsigned long long sum = 0xcbf29ce484222325ull;
    long long total = 0;
    if (mount("/dev/pmem0", "/mnt", "erofs", MS_RDONLY, options)) {
        printf("D: %s: mount: %s\n", options, strerror(errno));
        return;
    }
    long before = cached();
    int file = open("/mnt/data", O_RDONLY);
    for (ssize_t count; (count = read(file, buffer, sizeof buffer)) > 0; total += count)
        for (ssize_t i = 0; i < count; i += 8)
            sum = (sum ^ *(unsigned long long *)(buffer + i)) * 0x100000001b3ull;
    long after = cached();
    close(file);
    printf("D: %s: %lld bytes, %016llx, cache grew by %ld kB\n", options, total, sum, after - before);
    umount("/mnt");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    measure("dax=never");
    measure("dax=always");
    printf("S: end\n");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    return 0;
}
