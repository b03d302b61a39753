/*
 * Loaded into a program before its libraries (LD_PRELOAD): what changes files below FAILING_FOLDER fails with ENOSPC from the n-th time
 * on (FAILING_AT, from 0), as on a disk that is full by then. Taking things away still works. With FAILING_UNNAMED nothing has files
 * without a name (O_TMPFILE). What a program asks the C library for by name, as .NET does, is answered here as well.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long count;

static int fails(int file, const char *path)
{
    const char *folder = getenv("FAILING_FOLDER"), *at = getenv("FAILING_AT");
    char link[64], target[PATH_MAX + 1];
    if (!folder || !at)
        return 0;
    if (!path || *path != '/') {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t length = readlink(file == AT_FDCWD ? "/proc/self/cwd" : link, target, PATH_MAX);
        target[length < 0 ? 0 : length] = 0;
        path = target;
    }
    if (strncmp(path, folder, strlen(folder)) || atomic_fetch_add(&count, 1) < atol(at))
        return 0;
    errno = ENOSPC;
    return 1;
}

#define CALL(type, name, number, parameters, file, path, ...) \
    type name parameters { return fails(file, path) ? -1 : syscall(number, __VA_ARGS__); }

CALL(ssize_t, write, SYS_write, (int f, const void *b, size_t n), f, NULL, f, b, n)
CALL(ssize_t, writev, SYS_writev, (int f, const struct iovec *v, int n), f, NULL, f, v, n)
CALL(ssize_t, pwrite, SYS_pwrite64, (int f, const void *b, size_t n, off_t at), f, NULL, f, b, n, at)
CALL(ssize_t, pwrite64, SYS_pwrite64, (int f, const void *b, size_t n, off64_t at), f, NULL, f, b, n, at)
CALL(ssize_t, pwritev, SYS_pwritev, (int f, const struct iovec *v, int n, off_t at), f, NULL, f, v, n, at, 0)
CALL(ssize_t, pwritev64, SYS_pwritev, (int f, const struct iovec *v, int n, off64_t at), f, NULL, f, v, n, at, 0)
CALL(int, ftruncate, SYS_ftruncate, (int f, off_t n), f, NULL, f, n)
CALL(int, ftruncate64, SYS_ftruncate, (int f, off64_t n), f, NULL, f, n)
CALL(int, fallocate, SYS_fallocate, (int f, int mode, off_t at, off_t n), f, NULL, f, mode, at, n)
CALL(int, fsync, SYS_fsync, (int f), f, NULL, f)
CALL(int, fdatasync, SYS_fdatasync, (int f), f, NULL, f)
CALL(ssize_t, copy_file_range, SYS_copy_file_range, (int from, off64_t *in, int f, off64_t *at, size_t n, unsigned flags), f, NULL,
    from, in, f, at, n, flags)
CALL(int, linkat, SYS_linkat, (int from, const char *old, int f, const char *name, int flags), f, name, from, old, f, name, flags)
CALL(int, renameat, SYS_renameat2, (int from, const char *old, int f, const char *name), f, name, from, old, f, name, 0)
CALL(int, rename, SYS_renameat2, (const char *old, const char *name), AT_FDCWD, name, AT_FDCWD, old, AT_FDCWD, name, 0)
CALL(int, link, SYS_linkat, (const char *old, const char *name), AT_FDCWD, name, AT_FDCWD, old, AT_FDCWD, name, 0)

int openat(int folder, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    if ((flags & O_TMPFILE) == O_TMPFILE && getenv("FAILING_UNNAMED")) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return syscall(SYS_openat, folder, path, flags, mode);
}

void *dlsym(void *library, const char *name)
{
    static const struct { const char *name; void *call; } calls[] = {
        { "fallocate", fallocate }, { "fsync", fsync }, { "copy_file_range", copy_file_range }, { "linkat", linkat },
        { "renameat", renameat }, { "openat", openat },
    };
    static void *(*real)(void *, const char *);
    if (!real)
        real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
    if (!real)
        real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (!strcmp(name, calls[i].name))
            return calls[i].call;
    }
    return real(library, name);
}
