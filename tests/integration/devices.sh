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
# what comes with nesting does not come before it
ok sysct config set box security.nesting=yes
if inside box test -c /dev/net/tun; then fail "/dev/net/tun before nesting"; fi
ok sysct config unset box security.nesting
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
# one that has no place yet is tried again, with any other key, until it is there, and then no more; so is one that the host has not
count() { inside box grep -c " /dev/$1 " /proc/mounts || :; }
late=sysct-test-$$
defer rm -f "/dev/$late"
inside box sh -c 'rm -f /dev/kmsg; ln -s nowhere /dev/kmsg'
refused 1 'device. /dev/kmsg: .*in the container' sysct config set box "device.allow=/dev/kmsg r"
expect 1 sysct config set box "device.allow+=/dev/$late rw"
has "$(cat "$ERR")" "^sysct: config set box: .*find the device /dev/$late on the host" "what a new one says"
has "$(cat "$ERR")" "still not there: .device. /dev/kmsg" "what is said of the first"
ok sysct config set box limits.tasks=500
same "$(grep -c 'still not there: ' "$ERR")" 2 "what another key says: $(cat "$ERR")"
ok inside box test ! -c /dev/kmsg
inside box rm /dev/kmsg
mknod "/dev/$late" c 1 7
ok sysct config set box limits.tasks=501
same "$(cat "$ERR")" "" "what is said when all is there"
ok inside box test -c /dev/kmsg
ok inside box sh -c "! echo x 2>/dev/null >/dev/$late && head -c 1 /dev/$late >/dev/null"
rm "/dev/$late"
ok sysct config set box limits.tasks=502
same "$(cat "$ERR") $(count kmsg) $(count "$late")" " 1 1" "mounts, and what is said, once more"
# given up, it is not in use
ok sysct config set box "device.allow=/dev/kmsg r"
has "$(cat "$ERR")" 'device: at the next start' "what config set says of what goes"
refused 1 '/dev/not-there' sysct config set box device.allow+=/dev/not-there
ok sysct config set box "device.allow=/dev/kmsg r"
same "$(cat "$ERR")" "" "what config set says of one that never came"
# from the start, and a single node with fewer rights
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
