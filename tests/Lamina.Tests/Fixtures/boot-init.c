/*
 * The init of systems that tests boot, and the same walk on the host: prints a line for each file of a tree, so that what a booted
 * kernel shows can be compared with what overlayfs shows. As process 1 it walks its root, says what a test may want to know, and
 * turns the machine off. Elsewhere: boot-init DIRECTORY.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static dev_t device;

static void show(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf(bytes[i] > 32 && bytes[i] < 127 && bytes[i] != '%' ? "%c" : "%%%02x", bytes[i]);
}

static uint64_t mix(uint64_t hash, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void attributes(const char *path)
{
    static char names[65536], *sorted[4096];
    static unsigned char value[65536];
    ssize_t size = llistxattr(path, names, sizeof names);
    int count = 0;
    for (ssize_t at = 0; at < size; at += strlen(names + at) + 1)
        sorted[count++] = names + at;
    qsort(sorted, count, sizeof *sorted, by_name);
    for (int i = 0; i < count; i++) {
        if (!strncmp(sorted[i], "trusted.overlay.", 16))
            continue;
        ssize_t length = lgetxattr(path, sorted[i], value, sizeof value);
        printf(" %s=%zd:%016llx", sorted[i], length, (unsigned long long)mix(0, value, length > 0 ? length : 0));
    }
}

static void content(const char *path)
{
    static unsigned char buffer[1 << 16];
    uint64_t hash = 0xcbf29ce484222325ull;
    ssize_t count = -1;
    int file = open(path, O_RDONLY | O_NOFOLLOW);
    while (file >= 0 && (count = read(file, buffer, sizeof buffer)) > 0)
        hash = mix(hash, buffer, count);
    if (count < 0)
        printf(" unreadable: %s", strerror(errno));
    else
        printf(" %016llx", (unsigned long long)hash);
    if (file >= 0)
        close(file);
}

static void walk(const char *path, const char *shown)
{
    struct stat status;
    if (lstat(path, &status)) {
        printf("F: %s %s\n", shown, strerror(errno));
        return;
    }
    /* Something is mounted there: the tree ends here. */
    if (S_ISDIR(status.st_mode) && status.st_dev != device)
        return;
    printf("F: ");
    show((const unsigned char *)shown, strlen(shown));
    printf(" %o %u %u %lld.%09ld", status.st_mode, status.st_uid, status.st_gid, (long long)status.st_mtim.tv_sec,
        status.st_mtim.tv_nsec);
    if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
        printf(" %u:%u", major(status.st_rdev), minor(status.st_rdev));
    if (S_ISREG(status.st_mode)) {
        printf(" %lld", (long long)status.st_size);
        content(path);
    }
    if (S_ISLNK(status.st_mode)) {
        char target[4096];
        ssize_t length = readlink(path, target, sizeof target);
        printf(" ");
        show((unsigned char *)target, length > 0 ? length : 0);
    }
    attributes(path);
    printf("\n");
    if (!S_ISDIR(status.st_mode))
        return;
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, NULL);
    char **names = calloc(count > 0 ? count : 1, sizeof *names);
    for (int i = 0; i < count; i++)
        names[i] = entries[i]->d_name;
    qsort(names, count > 0 ? count : 0, sizeof *names, by_name);
    for (int i = 0; i < count; i++) {
        char *below, *name;
        if (!strcmp(names[i], ".") || !strcmp(names[i], ".."))
            continue;
        if (asprintf(&below, "%s/%s", path, names[i]) < 0 || asprintf(&name, "%s/%s", shown, names[i]) < 0)
            abort();
        walk(below, name);
        free(below);
        free(name);
    }
}

static void tell(const char *label, const char *path, const char *wanted)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strstr(line, wanted))
            printf("%s: %s", label, line);
    }
    if (file)
        fclose(file);
}

int main(int count, char **arguments)
{
    struct stat status;
    struct statfs root_type;
    struct rlimit files;
    sigset_t blocked;
    const char *root = count > 1 && getpid() != 1 ? arguments[1] : "";
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (lstat(*root ? root : "/", &status))
        return 1;
    device = status.st_dev;
    if (getpid() == 1)
        klogctl(8, NULL, 1);        /* the kernel's lines must not come between ours: its console level is "alerts only" now */
    if (getpid() == 1)
        printf("\nS: begin %s\n", arguments[0]);
    walk(*root ? root : "/.", "");
    if (getpid() != 1)
        return 0;
    for (int i = 1; i < count; i++)
        printf("A: %s\n", arguments[i]);
    tell("M", "/proc/mounts", " ");
    tell("N", "/proc/meminfo", "Mem");
    tell("N", "/proc/meminfo", "Shmem:");
    if (!statfs("/", &root_type))
        printf("S: root is %s\n", root_type.f_type == 0x01021994 ? "tmpfs" : root_type.f_type == 0x794c7630 ? "overlayfs" : "other");
    int file = open("/written", O_WRONLY | O_CREAT, 0644);
    printf("S: %s\n", file >= 0 ? "writable" : strerror(errno));
    getrlimit(RLIMIT_NOFILE, &files);
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    struct sigaction pipe;
    sigaction(SIGPIPE, NULL, &pipe);
    printf("S: files %lld, SIGPIPE %s, SIGCHLD %s\n", (long long)files.rlim_cur, pipe.sa_handler == SIG_DFL ? "default" : "changed",
        sigismember(&blocked, SIGCHLD) ? "blocked" : "free");
    printf("S: end\n");
    fflush(stdout);
    reboot(RB_POWER_OFF);
    return 0;
}
