/*
 * Says what the processor lacks. The runtime uses cmpxchg16b from its first steps on, and would die of an invalid opcode, which
 * tells nobody what to do. So this is not C#: it runs before the runtime does, and before all other code of the program.
 */
#if defined(__x86_64__)
#include <cpuid.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The form of KernelLog: a priority for the kernel's log, then the text. The first process is the one that the kernel starts. */
static const char line[] = "<2>lamina: 0.0 ms: failed: start: the processor has no cmpxchg16b (cx16), which this program needs; "
    "an emulator has it with another model, such as qemu64 or max\n";
enum { priority_length = 3, kernel_log_major = 1, kernel_log_minor = 11 };

static void say_what_is_missing(void)
{
    int log = -1;
    ssize_t written = -1;
    if (getpid() == 1) {
        /* Nothing is mounted yet; rootfs takes a device node as well. */
        (void)mknod("/dev/kmsg", S_IFCHR | 0600, makedev(kernel_log_major, kernel_log_minor));
        log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
    }
    if (log >= 0)
        written = write(log, line, sizeof line - 1);
    if (written < 0)
        written = write(STDERR_FILENO, line + priority_length, sizeof line - 1 - priority_length);
    _exit(written < 0 ? 2 : 1);
}

static void check_processor(void)
{
    unsigned int a, b, c = 0, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_CMPXCHG16B))
        say_what_is_missing();
}

__attribute__((section(".preinit_array"), used)) static void (*const check_first)(void) = check_processor;
#endif
