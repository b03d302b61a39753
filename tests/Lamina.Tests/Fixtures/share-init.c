/*
 * The init of a system that tests whether mounts share pages: mounts the EROFS images on disks, one after another, and says of a file
 * in each how many of its pages were in memory before anybody read it there, and what it holds. Arguments come by the command line:
 * share=DISK[,OPTION]...:DISK[,OPTION]...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t resident(int file, size_t size)
{
    static unsigned char pages[1 << 16];
    size_t count = (size + 4095) / 4096, found = 0;
    void *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED || count > sizeof pages || mincore(mapped, size, pages))
        return (size_t)-1;
    for (size_t i = 0; i < count; i++)
        found += pages[i] & 1;
    munmap(mapped, size);
    return found;
}

static void look(int number, const char *disk, const char *options)
{
    char folder[32], path[64];
    static unsigned char buffer[1 << 16];
    struct stat status;
    uint64_t hash = 0xcbf29ce484222325ull;
    snprintf(folder, sizeof folder, "/run/%d", number);
    snprintf(path, sizeof path, "%s/big", folder);
    mkdir(folder, 0755);
    if (mount(disk, folder, "erofs", MS_RDONLY, options)) {
        printf("P: %d %s %s: %s\n", number, disk, options, strerror(errno));
        return;
    }
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &status)) {
        printf("P: %d %s: %s\n", number, path, strerror(errno));
        return;
    }
    size_t before = resident(file, status.st_size);
    ssize_t count;
    while ((count = read(file, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < count; i++)
            hash = (hash ^ buffer[i]) * 0x100000001b3ull;
    printf("P: %d resident %zd of %lld, %s %016llx\n", number, before, (long long)(status.st_size + 4095) / 4096,
        count < 0 ? strerror(errno) : "read", (unsigned long long)hash);
    close(file);
}

int main(void)
{
    static char line[4096];
    FILE *file = fopen("/proc/cmdline", "r");
    klogctl(8, NULL, 1);
    char *what = file && fgets(line, sizeof line, file) ? strstr(line, "share=") : NULL;
    mount("none", "/run", "tmpfs", 0, NULL);
    printf("\nS: begin\n");
    int number = 0;
    for (char *next = what ? strtok(what + 6, ": \n") : NULL; next; next = strtok(NULL, ": \n")) {
        char *options = strchr(next, ',');
        if (options)
            *options++ = 0;
        look(++number, next, options ? options : "");
    }
    printf("S: end\n");
    fflush(stdout);
    reboot(RB_POWER_OFF);
    return 0;
}
