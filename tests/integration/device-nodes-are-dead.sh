#!/bin/sh
# A device node that somebody planted in the image cannot be opened, whatever root inside remounts.
. "${0%/*}/lib.sh"

busybox box
image=$SYSCT_STATE_DIR/containers/box/rootfs.img
# rw for everybody; debugfs writes it without mounting anything
debugfs -w "$image" >/dev/null 2>&1 <<EOS
cd $(own /)
mknod planted-null c 1 3
mknod planted-mem c 1 1
mknod planted-loop b 7 0
set_inode_field $(own /planted-null) mode 020666
set_inode_field $(own /planted-mem) mode 020666
set_inode_field $(own /planted-loop) mode 060666
EOS
ok sysct start box --wait
for node in null mem loop; do
    inside box test -e "/planted-$node" || fail "/planted-$node was not made"
    if inside box sh -c "head -c 1 </planted-$node" 2>"$ERR"; then fail "/planted-$node opens"; fi
done
inside box sh -c 'mount -o remount,dev /; mount -o remount,bind,dev /' >/dev/null 2>&1 || :
for node in null mem loop; do
    if inside box sh -c "head -c 1 </planted-$node" 2>"$ERR"; then fail "/planted-$node opens after the remount"; fi
done
if inside box mknod /root/new c 1 3 2>"$ERR" && inside box sh -c 'head -c 1 </root/new'; then fail "a node of its own opens"; fi
# while those that everybody needs do work
same "$(inside box sh -c 'head -c 4 /dev/zero | wc -c; echo >/dev/null && head -c 4 /dev/urandom | wc -c' | tr '\n' ' ')" "4 4 " /dev
