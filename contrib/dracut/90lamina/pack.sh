#!/bin/sh
# Stands where dracut has a compressor: reads the tree as a cpio archive, writes it as an archive of layers.
# LAMINA_MODULES: the folder of the kernel's modules. LAMINA_INITRD_OPTIONS: further options of lamina initrd.
set -eu

work=$(mktemp -d "${DRACUT_TMPDIR:-${TMPDIR:-/tmp}}/lamina.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

cat > "$work/tree.cpio"
# dracut puts microcode in front of what comes out of here, of any length. So the layers cannot lie in place: a loop device wants
# them at a page. Files do not mind.
# shellcheck disable=SC2086  # these are several words
lamina initrd --from "$work/tree.cpio" -o "$work/layers.img" --kernel-modules "${LAMINA_MODULES:?}" \
    ${LAMINA_INITRD_OPTIONS-} --form files >&2 ||
    { echo "lamina: the initramfs could not be made; without --add lamina dracut makes one as ever" >&2; exit 1; }
cat "$work/layers.img"
