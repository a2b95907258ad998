#!/bin/sh
# timeout: 120
# [mount]: a directory, a file and memory, owned as on the host; nodev, nosuid and readonly cannot be lifted inside; live.
# shows: mount.source mount.type mount.readonly mount.create mount.options
. "${0%/*}/lib.sh"

src=$TEST_TMP/src
mkdir -p "$src/sub" "$TEST_TMP/other"
defer umount -l "$src/sub"
mount --bind "$TEST_TMP/other" "$src/sub"
echo below >"$src/sub/below"
echo hello >"$src/file"
chown 1000:1000 "$src" "$src/file"
cp /bin/true "$src/setuid"
chmod 4755 "$src/setuid"
mknod "$src/null" c 1 3
chmod 666 "$src/null"
busybox box --set "mount./mnt/src.source=$src" --set mount./mnt/src.create=yes \
    --set "mount./mnt/ro.source=$src" --set mount./mnt/ro.create=yes --set mount./mnt/ro.readonly=yes \
    --set "mount./run/deep/er/file.source=$src/file" --set mount./run/deep/er/file.create=yes \
    --set mount./scratch.type=tmpfs --set mount./scratch.create=yes --set "mount./scratch.options=size=1M,,noexec"
ok sysct start box --wait
# the same numbers inside and outside
same "$(inside box stat -c %u:%g /mnt/src/file)" 1000:1000 "owner inside"
inside box sh -c 'echo new >/mnt/src/new && chown 1234:5 /mnt/src/new && echo more >>/mnt/src/file'
same "$(stat -c %u:%g "$src/new")" 1234:5 "owner on the host"
same "$(inside box cat /mnt/src/sub/below)" below "what is mounted below"
has "$(inside box cat /run/deep/er/file)" hello "a file"
# neither written nor remounted
if inside box sh -c 'echo x >/mnt/ro/x' 2>/dev/null; then fail "written to a read-only mount"; fi
if inside box sh -c 'echo x >/mnt/ro/sub/x' 2>/dev/null; then fail "written below a read-only mount"; fi
inside box sh -c 'for m in ro src; do mount -o remount,bind,rw,dev,suid /mnt/$m; mount -o remount,rw,dev,suid /mnt/$m; umount /mnt/ro/sub; done' >/dev/null 2>&1 || :
if inside box sh -c 'echo x >/mnt/ro/x' 2>/dev/null; then fail "read-only was lifted"; fi
if inside box sh -c 'echo x >/mnt/ro/sub/x' 2>/dev/null; then fail "read-only was lifted below"; fi
if inside box sh -c 'echo x >/mnt/src/null' 2>/dev/null; then fail "a device node opens"; fi
has "$(inside box grep ' /mnt/src ' /proc/mounts)" 'nosuid,nodev' "how it is mounted"
# memory, as large as it was said
inside box sh -c 'head -c 512k /dev/zero >/scratch/a'
if inside box sh -c 'head -c 2m /dev/zero >/scratch/b' 2>/dev/null; then fail "2M on 1M"; fi
same "$(inside box sh -c 'cp /bin/busybox /scratch/b; /scratch/b' 2>&1 | grep -c -i denied)" 1 noexec
# what is mounted inside is not seen outside, nor the other way round
inside box sh -c 'mkdir /mnt/src/in && mount -t tmpfs in /mnt/src/in'
if grep -q "$src/in" /proc/self/mountinfo; then fail "a mount of the box is the host's"; fi
# live: a new one at once, a changed one at the next start
mkdir "$TEST_TMP/later"
echo later >"$TEST_TMP/later/file"
ok sysct config set box "mount./later.source=$TEST_TMP/later" mount./later.create=yes mount./later.readonly=yes
same "$(inside box cat /later/file)" later "a new mount"
inside box mount -o remount,bind,rw /later 2>/dev/null || :
if inside box sh -c 'echo x >/later/x' 2>/dev/null; then fail "read-only was lifted from a new mount"; fi
ok sysct config set box mount./later.readonly=no
has "$(cat "$ERR")" 'mount\./later: at the next start' "what config set says"
# one that has no place yet is tried again, by the same command or with any other key, until it is there, and then no more
count() { inside box grep -c " $1 " /proc/mounts || :; }
refused 1 '/early.*No such file' sysct config set box "mount./early.source=$TEST_TMP/later"
refused 1 '/early.*No such file' sysct config set box "mount./early.source=$TEST_TMP/later"
ok sysct config set box limits.tasks=500
has "$(cat "$ERR")" 'still not mounted: .mount "/early"' "what another key says"
expect 1 sysct config set box "mount./early2.source=$TEST_TMP/later" "mount./early2/sub.type=tmpfs" mount./early2/sub.create=yes
has "$(cat "$ERR")" '^sysct: config set box: .*/early2.*No such file' "what a new one says"
inside box mkdir /early
ok sysct config set box limits.tasks=501
same "$(inside box cat /early/file)" later "a mount that had failed"
has "$(cat "$ERR")" 'still not mounted: .mount "/early2"' "what is said of the other"
ok sysct config set box limits.tasks=502
same "$(count /early)" 1 "mounts on /early"
inside box mkdir -p /early2/sub
ok sysct config set box limits.tasks=502
same "$(cat "$ERR")" "" "what is said when all is there"
same "$(count /early2) $(count /early2/sub)" "1 1" "mounts on /early2 and below"
ok sysct config set box limits.tasks=502
same "$(count /early2) $(count /early2/sub)" "1 1" "mounts once more"
# given up, it is not in use
refused 1 '/gone' sysct config set box "mount./gone.source=$TEST_TMP/later"
ok sysct config unset box mount./gone
same "$(cat "$ERR")" "" "what config unset says of one that is not mounted"
inside box mkdir /gone
ok sysct config set box limits.tasks=503
same "$(count /gone)" 0 "mounts on /gone"
ok sysct config unset box limits.tasks
ok sysct restart box
same "$(count /early) $(count /early2/sub)" "1 1" "after the next start"
ok inside box sh -c 'echo x >/later/x'
same "$(cat "$TEST_TMP/later/x")" x "written after the restart"
