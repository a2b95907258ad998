#!/bin/sh
# timeout: 90
# [device]: fuse, tun, kvm and single nodes, there and usable; live; without it none of them.
# shows: device.fuse device.tun device.kvm device.allow
. "${0%/*}/lib.sh"

[ -c /dev/net/tun ] || skip "no /dev/net/tun"
busybox box
ok sysct start box --wait
for node in fuse net/tun kvm kmsg; do
    if inside box test -e "/dev/$node"; then fail "/dev/$node without a key"; fi
done
if inside box sh -c 'mkdir -p /dev/net; mknod /dev/net/tun c 10 200 && : </dev/net/tun' 2>/dev/null; then fail "a node of its own"; fi
# live
ok sysct config set box device.tun=yes
ok inside box sh -c ': <>/dev/net/tun'
same "$(inside box stat -c '%u %a %t:%T' /dev/net/tun)" "0 666 a:c8" "the node"
for key in device.fuse device.kvm; do
    node=/dev/${key#*.}
    if [ -c "$node" ]; then
        ok sysct config set box $key=yes
        ok inside box sh -c ": <>$node"
        same "$(inside box stat -c '%u %a %t:%T' "$node")" "0 666 $(stat -c %t:%T "$node")" "the node"
    else
        ok sysct stop box --now
        ok sysct config set box $key=yes
        refused 1 "$node" sysct start box
        ok sysct config unset box $key
        ok sysct start box --wait
    fi
done
# from the start, and a single node with fewer rights
ok sysct config set box "device.allow=/dev/kmsg r"
ok inside box test -c /dev/kmsg
ok sysct restart box
ok inside box sh -c ': <>/dev/net/tun'
ok inside box test -c /dev/kmsg
if inside box sh -c 'echo x >/dev/kmsg' 2>/dev/null; then fail "written with r alone"; fi
# taken away
ok sysct config unset box device.tun
has "$(cat "$ERR")" 'device: at the next start' "what config unset says"
ok sysct restart box
if inside box test -e /dev/net/tun; then fail "/dev/net/tun without its key"; fi
ok sysct stop box --now
for bad in '/dev/../etc/passwd rw' '/etc/passwd' '/dev/' '/dev/null rwx' '/dev/null rr' '/dev//null' '/dev/null r w'; do
    expect 2 sysct config set box "device.allow=$bad"
done
ok sysct config set box device.allow=/dev/not-there
refused 1 '/dev/not-there' sysct start box
ok sysct config set box device.allow=/dev/shm
refused 1 'not a device' sysct start box
