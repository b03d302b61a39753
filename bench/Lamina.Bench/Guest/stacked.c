/*
 * The init of an initramfs that holds a squashfs: modules, a loop device, a tmpfs over it, the switch of roots. What dracut does
 * with a shell and udev, without either.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void need(int result, const char *what)
{
    if (result >= 0)
        return;
    perror(what);
    _exit(1);
}

static void load(void)
{
    char name[256], path[300];
    FILE *order = fopen("/modules/order", "r");
    while (order && fgets(name, sizeof name, order)) {
        name[strcspn(name, "\n")] = 0;
        snprintf(path, sizeof path, "/modules/%s.ko", name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        syscall(SYS_finit_module, file, "", 0);
        close(file);
        unlink(path);
    }
}

static void attach(const char *image, char *device, size_t size)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), file = open(image, O_RDONLY | O_CLOEXEC);
    need(control, "loop-control");
    need(file, image);
    snprintf(device, size, "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
    int loop = open(device, O_RDONLY | O_CLOEXEC);
    need(loop, device);
    struct loop_config config = { .fd = file, .info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR };
    need(ioctl(loop, LOOP_CONFIGURE, &config), "LOOP_CONFIGURE");
    need(mount(device, "/lower", "squashfs", MS_RDONLY, NULL), "squashfs");
}

int main(void)
{
    static const char *folders[] = { "/proc", "/sys", "/dev", "/lower", "/over", "/root" };
    static const char *moved[] = { "/proc", "/sys", "/dev" };
    char device[64], target[64];
    for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++)
        mkdir(folders[i], 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    load();
    attach("/root.squashfs", device, sizeof device);
    need(mount("tmpfs", "/over", "tmpfs", 0, "mode=0755"), "tmpfs");
    need(mkdir("/over/upper", 0755), "upper");
    need(mkdir("/over/work", 0755), "work");
    need(mount("overlay", "/root", "overlay", 0, "lowerdir=/lower,upperdir=/over/upper,workdir=/over/work"), "overlay");
    for (unsigned i = 0; i < sizeof moved / sizeof *moved; i++) {
        snprintf(target, sizeof target, "/root%s", moved[i]);
        need(mount(moved[i], target, NULL, MS_MOVE, NULL), target);
    }
    need(chdir("/root"), "/root");
    need(mount(".", "/", NULL, MS_MOVE, NULL), "move");
    need(chroot("."), "chroot");
    execl("/first", "/first", NULL);
    perror("/first");
    return 1;
}
