#!/bin/sh
# The host loses its power while boxes are created, changed and destroyed: the disk as it was at random moments (clones of
# the file below it) has each box whole or not at all, with a configuration that is one of those that were set, and no older
# one than was acknowledged; list says nothing of anything broken, and each of them starts. On ext4 and on XFS.
# SYSCT_TEST_CRASHES=N takes N copies of each instead of 2.
# timeout: 180
. "${0%/*}/lib.sh"

grep -q -w xfs /proc/filesystems || skip "this kernel has no XFS"
most=${SYSCT_TEST_CRASHES:-2}
truncate -s 4G "$TEST_TMP/disk"
ok mkfs.xfs -q -m reflink=1 "$TEST_TMP/disk"
mkdir "$TEST_TMP/xfs" "$TEST_TMP/inner" "$TEST_TMP/copy"
ok mount -o loop "$TEST_TMP/disk" "$TEST_TMP/xfs"
defer umount "$TEST_TMP/xfs"
run=$SYSCT_RUN_DIR
mounted=''
clean() {
    [ -n "$mounted" ] || return 0
    for box in $(after list -q); do after destroy --force "$box"; done
    umount "$TEST_TMP/copy"
}
there() { SYSCT_STATE_DIR=$TEST_TMP/inner/state SYSCT_RUN_DIR=$run/there sysct "$@"; }
after() { SYSCT_STATE_DIR=$TEST_TMP/copy/state SYSCT_RUN_DIR=$run/after sysct "$@"; }
mkdir -m 0755 "$run/there" "$run/after"
defer rm -r "$run/there" "$run/after"
defer clean
ok sysct template list
busybox warm # the image is in the cache

work() {
    i=0
    while [ ! -e "$TEST_TMP/enough" ]; do
        i=$((i + 1))
        there create "box-$i" --template busybox --set network.eth0.type=none --size 256M >/dev/null && echo "made $i" >>"$TEST_TMP/told"
        for n in 101 102 103; do
            there config set "box-$i" "limits.tasks=$n" "container.description=number $n" && echo "set $i $n" >>"$TEST_TMP/told"
        done
        [ $i -le 2 ] || { there destroy "box-$((i - 2))" && echo "gone $((i - 2))" >>"$TEST_TMP/told"; }
    done
}

# inspect TOLD: what the copy has, against what had been acknowledged before it was taken, and had been begun until after
inspect() {
    after list --format json >"$TEST_TMP/list" || fail "list"
    python3 - "$TEST_TMP/list" "$1" "$TEST_TMP/told" "$TEST_TMP/copy/state" <<'EOS'
import json, os, sys
boxes = {box["name"]: box for box in json.load(open(sys.argv[1]))}
lines = open(sys.argv[2]).read().splitlines()
later = open(sys.argv[3]).read().splitlines()
made = {l.split()[1] for l in lines if l.startswith("made")}
gone = {l.split()[1] for l in lines if l.startswith("gone")}
going = {l.split()[1] for l in later if l.startswith("gone")} | {str(int(m) - 2) for m in made}
least = {}
for l in lines:
    if l.startswith("set"):
        least[l.split()[1]] = int(l.split()[2])
for name, box in boxes.items():
    assert box["state"] == "stopped", (name, box["state"])
    number = name.split("-")[1]
    assert number not in gone, name + " was destroyed"
    config = open(f"{sys.argv[4]}/containers/{name}/config").read()
    tasks = [l.split("=")[1].strip() for l in config.splitlines() if l.startswith("tasks")]
    said = [l.split()[-1] for l in config.splitlines() if l.startswith("description")]
    assert tasks == said, (name, config)
    assert int((tasks or ["0"])[0]) >= least.get(number, 0), (name, tasks, least)
for number in made - gone - going:
    assert "box-" + number in boxes, "box-" + number + " is lost: " + str(sorted(boxes))
print(len(boxes))
EOS
}

for type in ext4 xfs; do
    rm -f "$TEST_TMP/xfs/inner" "$TEST_TMP/xfs/copy"
    truncate -s 1G "$TEST_TMP/xfs/inner"
    case $type in
    ext4) ok mke2fs -q -F -t ext4 "$TEST_TMP/xfs/inner" ;;
    xfs) ok mkfs.xfs -q -f "$TEST_TMP/xfs/inner" ;;
    esac
    ok mount -o loop "$TEST_TMP/xfs/inner" "$TEST_TMP/inner"
    defer umount "$TEST_TMP/inner"
    rm -f "$TEST_TMP/enough"
    : >"$TEST_TMP/told"
    work >"$TEST_TMP/work" 2>&1 &
    worker=$!
    defer wait $worker
    defer touch "$TEST_TMP/enough"
    begun() { grep -q made "$TEST_TMP/told" || { cat "$TEST_TMP/work" && false; }; }
    eventually 30 begun
    n=0 seen=0
    while [ $n -lt "$most" ]; do
        n=$((n + 1))
        python3 -c 'import random, time; time.sleep(random.random() * 1.5)'
        cp "$TEST_TMP/told" "$TEST_TMP/told-then"
        ok cp --reflink=always "$TEST_TMP/xfs/inner" "$TEST_TMP/xfs/copy"
        option=loop
        [ $type = ext4 ] || option=loop,nouuid
        ok mount -t $type -o $option "$TEST_TMP/xfs/copy" "$TEST_TMP/copy"
        mounted=1
        boxes=$(inspect "$TEST_TMP/told-then") || fail "$type, copy $n"
        seen=$((seen + boxes))
        for box in $(after list -q); do
            ok after start "$box"
            ok after attach -T "$box" -- true </dev/null
            ok after stop --now "$box"
            ok after destroy "$box"
        done
        left=$(find "$TEST_TMP/copy/state/containers" -mindepth 1 | head -n 3)
        [ -z "$left" ] || { ok after create last --template busybox --set network.eth0.type=none --size 256M && ok after destroy last; }
        same "$(find "$TEST_TMP/copy/state/containers" -mindepth 1 | head -n 3)" "" "left of what was cut off ($type)"
        ok umount "$TEST_TMP/copy"
        mounted=''
    done
    : >"$TEST_TMP/enough"
    wait $worker
    say "$type: $n copies with $seen boxes, all whole; $(wc -l <"$TEST_TMP/told") changes were made meanwhile"
    [ $seen -gt 0 ] || fail "no copy had a box"
    for box in $(there list -q); do
        ok there destroy "$box"
    done
    ok umount "$TEST_TMP/inner"
done
