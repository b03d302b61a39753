#!/bin/bash
# dracut module: the initramfs becomes an archive of EROFS layers that stay compressed in memory.
# dracut sources this file; nothing in it runs by itself.

# Only when it is asked for: dracut --add lamina.
check() {
    require_binaries lamina || return 1
    return 255
}

depends() {
    return 0
}

# What Lamina's /init loads before anything of the initramfs is there. dracut need not load it.
installkernel() {
    hostonly='' instmods erofs loop overlay
}

# dracut pipes the finished tree, as a cpio archive, through the program named in $compress. Nothing comes after that, so this is
# the place to make layers of it.
install() {
    export LAMINA_MODULES="${srcmods:?}"
    # shellcheck disable=SC2034  # dracut reads it
    compress="${moddir:?}/pack.sh"
}
