#!/bin/sh
# timeout: 180
# shows: credentials
# refuses: credentials
# What stands in [credentials] is in files that only root inside can read and nobody change, systemd acts by it, and no message
# shows it; a name or a value that is none is refused.
. "${0%/*}/lib.sh"

allowed='at most 255 letters, digits, _ . -, and not . or ..'
values='text, with \\n for a new line, \\t, \\\\ and \\xHH'

say "in a box with busybox: the files"
busybox box --set 'credentials.one=first' --set 'credentials.any.byte=\x00\xff\t\\\n'
ok sysct start box --wait
dir=/run/host/credentials
same "$(inside box stat -c '%a %u:%g' $dir $dir/one | xargs)" "500 0:0 400 0:0" "modes and owners"
has "$(inside box grep " $dir " /proc/mounts)" '^ramfs .* ro,nosuid,nodev,noexec' "the mount"
has "$(inside box sh -c 'tr "\0" "\n" </proc/1/environ')" "^CREDENTIALS_DIRECTORY=$dir\$" "what init knows"
same "$(inside box cat $dir/one)" first "a value"
same "$(inside box od -An -tx1 $dir/any.byte | xargs)" "00 ff 09 5c 0a" "bytes"
expect 1 inside box sh -c "echo x >$dir/one"
expect 1 inside box touch $dir/two
inside box sh -c "busybox adduser -D -H someone 2>/dev/null || echo 'someone:x:1000:1000::/:/bin/sh' >>/etc/passwd"
expect 1 sysct attach -T box -u 1000 -- cat $dir/one
# nor anybody on the host but root
find "$SYSCT_STATE_DIR" "$SYSCT_RUN_DIR" -type f -perm /044 -exec grep -l first {} + >"$OUT" 2>/dev/null && fail "readable: $(cat "$OUT")"
sysct info box --format json >"$OUT"
sysct info box >>"$OUT"
! grep -q -w first "$OUT" || fail "info shows a value"
same "$(sysct config get box credentials.one)" first "what the configuration says"

say "a change counts at the next start, and a box without any has no such directory"
ok sysct config set box credentials.one=second
has "$(cat "$ERR")" 'credentials.one: at the next start' "what is said of it"
! grep -q second "$ERR" || fail "the value is shown"
ok sysct restart --now box
same "$(inside box cat $dir/one)" second "after a start"
ok sysct stop --now box
ok sysct config unset box credentials.one
ok sysct config unset box credentials.any.byte
ok sysct start box --wait
expect 1 inside box test -e $dir
ok sysct stop --now box

say "refused"
expect 2 sysct config set box 'credentials.pass=sec\ret'
same "$(grep '^sysct: ' "$ERR")" "sysct: config set box: [credentials] pass: what is given is not valid; allowed: $(printf '%s' "$values" | sed 's/\\\\/\\/g')" "a bad value"
expect 2 sysct config set box 'credentials...=x'
has "$(cat "$ERR")" "\[credentials\]: \"\.\.\" is not valid; allowed: $allowed" "a bad name"
expect 2 sysct config set box 'credentials.a/b=x'
has "$(cat "$ERR")" "\[credentials\]: \"a/b\" is not valid; allowed: $allowed" "a bad name"
long=$(printf '%032769d' 0)
expect 2 sysct config set box "credentials.long=$long"
has "$(cat "$ERR")" '\[credentials\] long: longer than 32 KiB' "a long value"
printf '# line 1\n[credentials]\npass = sec\\ret\n.. = x\n' >"$TEST_TMP/box.conf"
expect 2 sysct config check "$TEST_TMP/box.conf"
has "$(cat "$ERR")" "box.conf:3: \[credentials\] pass: what is given is not valid" "a bad value in a file"
has "$(cat "$ERR")" "box.conf:4: \[credentials\] \.\.: not a valid key" "a bad name in a file"
! grep -q 'sec.ret' "$ERR" || fail "the value is shown: $(cat "$ERR")"
(
    umask 022
    printf '[credentials]\none = host\n' >"$TEST_TMP/sysct.conf"
)
expect 2 sysct --config "$TEST_TMP/sysct.conf" start box
has "$(cat "$ERR")" 'may be read by others than its owner \(mode 0644\)' "a file that all may read"
chmod 600 "$TEST_TMP/sysct.conf"
ok sysct --config "$TEST_TMP/sysct.conf" start box --wait
same "$(inside box cat $dir/one)" host "a default for all"
ok sysct stop --now box

say "systemd does what they say"
debian trixie deb --set 'credentials.tmpfiles.extra=f /etc/made 0644 root root - by-a-credential\nf /etc/made2 0600 - - - x' \
    --set 'credentials.ssh.authorized_keys.root=ssh-ed25519 AAAA me@here'
ok sysct start deb --wait=90
same "$(inside deb cat /etc/made)" by-a-credential "a file of tmpfiles.extra"
same "$(inside deb stat -c %a /etc/made2)" 600 "a second line"
same "$(inside deb cat /root/.ssh/authorized_keys)" "ssh-ed25519 AAAA me@here" "a key for ssh"
