#!/bin/sh
# timeout: 120
# A linked box against what can go wrong: a base that is missing or was changed, images that are none of its own, a full
# disk, a crash, starts that are killed; and with the settings of the root file system.
. "${0%/*}/lib.sh"

linked() { create "$@" --template busybox --linked; }
linked one
linked two --size 64M
dir=$SYSCT_STATE_DIR/containers
base=$(field one base)
# what is done to it here is done to a copy: the cache has the same file
cp --sparse=always "$base" "$TEST_TMP/good"
cp --sparse=always "$base" "$TEST_TMP/bad"
ok tune2fs -L other "$TEST_TMP/bad"

say "refusals"
mv "$base" "$TEST_TMP/away"
refused 1 'start one: .*base .*/bases/' sysct start one
refused 1 'start two: .*base .*/bases/' sysct start two
cp --sparse=always "$TEST_TMP/bad" "$base"
refused 1 'was written to since' sysct start one
rm "$base"
ln -s "$TEST_TMP/good" "$base"
refused 1 'base' sysct start one
rm "$base"
cp --sparse=always "$TEST_TMP/good" "$base"
chmod 0666 "$base"
refused 1 'root alone' sysct start one
chmod 0600 "$base"
ok sysct start one
ok sysct stop one --now
busybox copied
cp --sparse=always "$dir/copied/rootfs.img" "$dir/one/other.img"
ok sysct config set one rootfs.image=other.img
refused 1 'upper.*work' sysct start one
rm "$dir/one/other.img"
ok sysct config unset one rootfs.image
refused 2 'directory' sysct create three --template busybox --linked --set "rootfs.directory=$TEST_TMP/dir"
refused 2 'in a container' unshare --user --map-root-user sysct --state-dir "$TEST_TMP/state" --run-dir "$TEST_TMP/run" \
    create three --template busybox --linked
[ ! -e "$dir/three" ] || fail "a box was made"

say "a device node that somebody planted in its own image cannot be opened"
debugfs -w "$dir/one/rootfs.img" >/dev/null 2>&1 <<'EOS'
cd /upper
mknod planted c 1 3
set_inode_field /upper/planted mode 020666
EOS
ok sysct start one
ok inside one test -c /planted
if inside one sh -c 'head -c 1 </planted' 2>"$ERR"; then fail "/planted opens"; fi
inside one sh -c 'mount -o remount,dev /; mount -o remount,bind,dev /' >/dev/null 2>&1 || :
if inside one sh -c 'head -c 1 </planted' 2>"$ERR"; then fail "/planted opens after a remount"; fi
ok sysct stop one --now

say "a full disk is the box's own"
ok sysct start one two
size=$(inside two df -k / | awk 'NR == 2 { print $2 }')
if [ "$size" -le 40000 ] || [ "$size" -gt 65536 ]; then fail "df inside of 64M says $size KiB"; fi
same "$(field two disk_size)" 67108864 disk_size
if inside two sh -c 'echo first >/etc/first; cat /dev/zero >/fill' 2>"$ERR"; then fail "64M hold everything"; fi
has "$(cat "$ERR")" 'No space' "the reason"
ok inside one sh -c 'echo x >/etc/x && sync'
ok sysct stop two --now
ok sysct start two --wait
same "$(inside two cat /etc/first)" first "a file of before"
ok inside two sh -c 'rm /fill && echo y >/etc/y && sync && mv /bin/busybox /bin/b && mv /bin/b /bin/busybox'

say "after a crash: the image as it was while it ran, with the work of the overlay in it"
ok inside one sh -c 'mkdir /d && echo 1 >/d/1 && rm -r /etc/init.d 2>/dev/null; sync; echo 2 >/d/2'
cp --sparse=always "$dir/one/rootfs.img" "$TEST_TMP/crashed"
ok sysct stop one --now
dumpe2fs -h "$TEST_TMP/crashed" 2>/dev/null | grep -q needs_recovery || fail "that image is clean"
mv "$TEST_TMP/crashed" "$dir/one/rootfs.img"
ok sysct start one --wait
same "$(inside one cat /d/1 /etc/x | tr '\n' ' ')" "1 x " "what was synced"
ok inside one sh -c 'echo 3 >/d/3'
ok sysct stop one --now
e2fsck -fn "$dir/one/rootfs.img" >"$OUT" 2>&1 || fail "the file system has errors: $(cat "$OUT")"

say "read-only, privileged, and trimmed"
ok sysct config set one rootfs.readonly=yes
ok sysct start one --wait
same "$(inside one cat /d/3)" 3 "what was written before"
if inside one touch /etc/z 2>"$ERR"; then fail "/etc can be written"; fi
has "$(cat "$ERR")" 'Read-only' "the reason"
if inside one mount -o remount,rw / 2>/dev/null; then fail "root inside made it writable"; fi
ok sysct stop one --now
ok sysct config unset one rootfs.readonly
ok sysct config set one security.privileged=yes rootfs.discard=no
ok sysct start one --wait
same "$(inside one sh -c 'echo 4 >/d/4; stat -c %u /d/4 /d/3 /bin/busybox' | sort -u)" 0 owners
ok inside one sh -c 'head -c 8m /dev/urandom >/file && sync && rm /file && sync'
ok sysct stop one --now
blocks() { stat -c %b "$dir/one/rootfs.img"; }
before=$(blocks)
ok sysct trim one
[ $((before - $(blocks))) -ge 14000 ] || fail "trim gave back $((before - $(blocks))) sectors of 16384"
ok sysct config unset one security.privileged
ok sysct start one --wait
same "$(inside one cat /d/4)" 4 "a file of its time as privileged"
ok sysct stop one --now
ok sysct stop two --now

say "starts that are killed"
stopped() { sysct stop --now "$1" || [ "$(state_of "$1")" = stopped ]; }
mark
for n in 1 2 3 5; do
    sysct start two >/dev/null 2>&1 &
    starter=$!
    python3 -c 'import sys, time; time.sleep(int(sys.argv[1]) * 0.006)' $n
    kill -KILL $starter 2>/dev/null || :
    wait $starter 2>/dev/null || :
    # what the command began may go on without it, and is then no stop's to end
    eventually 20 stopped two
    unchanged 10
done
ok sysct start two --wait
same "$(inside two cat /etc/y)" y "a file of before"
