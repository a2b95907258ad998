#!/bin/sh
# limits.memory: what asks for more is killed inside, the box and the host live on; raised and lifted while it runs.
# shows: limits.memory limits.swap
. "${0%/*}/lib.sh"

busybox box --set limits.memory=64M --set limits.swap=0 --set mount./mnt.type=tmpfs --set mount./large.type=tmpfs \
    --set mount./large.options=size=96M --set mount./large.create=yes
ok sysct start box --wait
eat() { inside box sh -c "head -c $1 /dev/zero | tail" >/dev/null 2>&1; }
ok eat 16m
if eat 100m; then fail "100M in 64M"; fi
# what is full there is so before everything is killed, which frees nothing
ok sysct config set box mount./scratch.type=tmpfs mount./scratch.create=yes
for at in /dev/shm /run /mnt /scratch; do
    expect 1 inside box dd if=/dev/zero of=$at/x bs=1M count=100
    has "$(cat "$ERR")" 'No space left' "a full $at"
    ok inside box rm $at/x
done
has "$(inside box df -m /large)" ' 96 ' "the size that was asked for"
ok inside box true
ok sysct config set box limits.memory=256M
ok eat 100m
ok sysct config set box limits.memory=64M limits.swap=1M
if eat 100m; then fail "100M in 64M with 1M of swap"; fi
ok sysct config unset box limits.swap
ok sysct config unset box limits.memory
ok eat 100m
# swap alone cannot be kept everywhere: refused with a reason, or kept
if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
    ok sysct stop box --now
    ok sysct config set box limits.swap=1M
    refused 1 'limits\.swap' sysct start box
fi
