#!/bin/sh
# timeout: 120
# create --linked: boxes on one image, by one loop device and with one page cache. Each writes little at its creation, sees
# nothing of what another one writes, keeps what it wrote itself, and the image stays as it was. It stays at all as long
# as somebody stands on it.
. "${0%/*}/lib.sh"

mirror
linked() { create "$@" --template alpine --mirror "$MIRROR" --linked; }
base_of() { field "$1" base; }
# loops FILE: devices that have it, by that name: other installations may have hard links to it
loops() { losetup -n -l -O BACK-FILE | grep -c -x -F "$1" || :; }
# content FILE: a sum over what is no hole, and where it lies
content() {
    python3 -c '
import hashlib, os, sys
fd, at, sum = os.open(sys.argv[1], os.O_RDONLY), 0, hashlib.sha256()
while True:
    try:
        at = os.lseek(fd, at, os.SEEK_DATA)
    except OSError:
        break
    end = os.lseek(fd, at, os.SEEK_HOLE)
    sum.update(b"%d " % at + os.pread(fd, end - at, at))
    at = end
print(sum.hexdigest())' "$1"
}
boot() { ok sysct start "$1" --wait; }

linked one
linked two
base=$(base_of one)
same "$(base_of two)" "$base" "the base of the second"
sum=$(content "$base")
# no copy: of the image's many MiB the box has what an empty file system takes
kib=$(($(stat -c %b "$SYSCT_STATE_DIR/containers/two/rootfs.img") / 2))
[ $kib -le 1500 ] || fail "a linked box takes $kib KiB at its creation"
[ $(($(stat -c %b "$base") / 2)) -ge $((kib * 8)) ] || fail "an image as small as that shows nothing"
same "$(find "$SYSCT_CACHE_DIR/images" -samefile "$base" | wc -l)" 1 "the base is the cached image itself"
has "$(sysct image list --format csv)" '^[0-9a-f]*,alpine,.*one two' "who stands on it, in image list"

boot one
say "page cache: what one has read costs the other nothing"
read_all() { inside "$1" sh -c 'find /bin /lib /sbin /usr -xdev -type f -exec cat {} + | wc -c'; }
used() { field "$1" memory_used; }
# The super block is new with this run: of what the image has, one has only read what booted it.
before=$(used one)
bytes=$(read_all one)
first=$(($(used one) - before))
boot two
before=$(used two)
same "$(read_all two)" "$bytes" "what the second reads"
second=$(($(used two) - before))
say "$bytes bytes read: $first more in memory for the first, $second for the second"
[ $first -ge $((bytes / 4)) ] || fail "the first has $first more in memory after $bytes: it shows nothing"
[ $((second * 3)) -le $first ] || fail "the second has $second more in memory, after the first had $first"
same "$(loops "$base")" 1 "loop devices of the base"
same "$(losetup -n -l -O RO,AUTOCLEAR,BACK-FILE | tr -s ' ' | sed 's/^ //' | grep -F "$base")" "1 1 $base" "read-only, free with the last"

say "each its own"
ok inside one sh -c 'echo mine >/etc/mine && rm /etc/motd && mv /etc/apk /etc/was-apk && echo more >>/etc/passwd && sync'
for gone in /etc/mine /etc/was-apk; do
    if inside two test -e $gone; then fail "two sees $gone of one"; fi
done
ok inside two test -f /etc/motd
ok inside two test -d /etc/apk
if inside two grep -q more /etc/passwd; then fail "two sees what one wrote to a file of both"; fi
ok inside two sh -c 'echo other >/etc/mine'

say "as one file system, with its owners, and no device node works"
same "$(inside one sh -c 'stat -c %d / /etc/passwd /etc/mine /bin/busybox | sort -u | wc -l')" 1 "device numbers"
same "$(inside one sh -c 'stat -c %u:%g:%a / /etc/passwd /etc/mine /root' | tr '\n' ' ')" \
    "0:0:755 0:0:644 0:0:644 0:0:700 " "owners and modes"
has "$(inside one cat /proc/self/mounts)" '^overlay / overlay [^ ]*nodev' "the root"
has "$(inside one cat /proc/self/mounts)" '^overlay / overlay rw,' "the root"
if inside one mount -o remount,dev / 2>/dev/null; then fail "root inside made device nodes work"; fi

say "over a reboot, a stop and a start"
pid=$(field one init_pid)
inside one reboot || :
rebooted() { [ "$(field one init_pid)" != "$pid" ] && can_attach one; }
eventually 30 rebooted
for again in 1 2; do
    same "$(inside one cat /etc/mine)" mine "a file of its own"
    if inside one test -e /etc/motd; then fail "a file that was removed is there again"; fi
    ok inside one test -d /etc/was-apk
    same "$(inside one tail -n 1 /etc/passwd)" more "a file of the image that it changed"
    [ $again = 2 ] || ok sysct restart one
done
same "$(inside two cat /etc/mine)" other "a file of the other"
ok sysct stop one --now
same "$(loops "$base")" 1 "loop devices while the second runs"
ok sysct stop two --now
same "$(loops "$base")" 0 "loop devices with nobody running"
same "$(content "$base")" "$sum" "the base"

say "starts at once share it too"
for box in one two; do
    sysct start $box --wait >"$TEST_TMP/$box" 2>&1 &
done
wait
same "$(cat "$TEST_TMP/one" "$TEST_TMP/two")" "" "what the starts said"
same "$(inside one cat /etc/mine) $(inside two cat /etc/mine)" "mine other" "files of both"
same "$(loops "$base")" 1 "loop devices of the base"
ok sysct stop --now one two
same "$(loops "$base")" 0 "loop devices with nobody running"

say "the image is built anew, and the cache is emptied: who stands on it goes on"
# an installation by itself, whose cache may be emptied
run=$(mktemp -d /run/sysct-test-XXXXXX)
chmod 0755 "$run"
defer rm -rf "$run"
state=$TEST_TMP/state
other() { sysct --state-dir "$state" --run-dir "$run" --cache-dir "$TEST_TMP/cache" "$@"; }
defer other destroy --force --all
other_base() { other info "$1" --format json | sed -n 's/^  "base": "\(.*\)",$/\1/p'; }
ok other create three --template alpine --mirror "$MIRROR" --linked
old=$(other_base three)
ok other create four --template alpine --mirror "$MIRROR" --linked --refresh
new=$(other_base four)
[ "$old" != "$new" ] || fail "the new image is the old one: $old"
has "$(other image list --format csv)" "^$(basename "$(dirname "$old")"),alpine,.*,three," "the old one, in image list"
ok other image prune --all
ok rm -rf "$TEST_TMP/cache/images"
ok other image prune --all
ok test -f "$old" -a -f "$new"
ok other start three four --wait
for box in three four; do
    ok other attach -T $box -- test -x /bin/busybox </dev/null
done
ok other destroy --force three
[ ! -e "$old" ] || fail "nobody stands on it any more, and it is there"
ok other attach -T four -- ls /bin </dev/null
ok other destroy --force four
[ ! -e "$state/bases" ] || fail "left: $(find "$state/bases")"

ok sysct destroy one
ok test -f "$base"
ok sysct destroy two
[ ! -e "$SYSCT_STATE_DIR/bases" ] || fail "left: $(find "$SYSCT_STATE_DIR/bases")"
