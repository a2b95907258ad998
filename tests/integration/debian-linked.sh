#!/bin/sh
# timeout: 600
# Two Debians on one image: both boot to the end without a failed unit, packages are installed, replaced and removed in one
# and unknown to the other, capabilities, setuid bits, access control lists, hard links and renames work on what lies in
# the image, and all of it is there after a restart.
. "${0%/*}/lib.sh"

debian trixie one --linked
debian trixie two --linked
kib=$(($(stat -c %b "$SYSCT_STATE_DIR/containers/two/rootfs.img") / 2))
[ "$kib" -le 1500 ] || fail "a linked Debian takes $kib KiB at its creation"
for box in one two; do
    ok sysct start $box --wait=90
    same "$(inside $box systemctl is-system-running)" running "$box"
    same "$(inside $box systemctl --failed --no-legend --plain)" "" "failed units of $box"
    same "$(field $box booted)" true "booted of $box"
done
[ "$(inside one cat /etc/machine-id)" != "$(inside two cat /etc/machine-id)" ] || fail "one machine id for two"
[ "$(field one ipv4)" != "$(field two ipv4)" ] || fail "one address for two"

say "packages"
ok inside one apt-get update -q
ok inside one apt-get install -y -q hello libcap2-bin acl
ok inside one apt-get install -y -q --reinstall base-files login
same "$(inside one hello)" "Hello, world!" hello
same "$(inside one dpkg --audit)" "" "dpkg --audit"
same "$(inside one dpkg --verify)" "" "dpkg --verify"
if inside two test -e /usr/bin/hello; then fail "the other has it too"; fi

say "what lies in the image, changed"
ok inside one sh -ec '
    setcap cap_dac_read_search+ep /usr/bin/head
    chmod 4755 /usr/bin/id
    setfacl -m u:1000:r /etc/fstab
    ln /usr/bin/perl /root/perl
    chmod 700 /usr/bin/perl
    mv /usr/share/doc /usr/share/papers'
changed() {
    # what a setuid bit and a capability of a file give to somebody else
    same "$(inside one setpriv --reuid=65534 --regid=65534 --clear-groups head -c 5 /etc/shadow)" root: "a file capability"
    same "$(inside one setpriv --reuid=65534 --regid=65534 --clear-groups id -u)" 0 "a setuid bit"
    has "$(inside one getfacl -c /etc/fstab)" '^user:1000:r--' "an access control list"
    same "$(inside one stat -c %a:%h /usr/bin/perl /root/perl | sort -u)" "700:$1" "a hard link, written by another name"
    ok inside one test -d /usr/share/papers/apt
    if inside one test -e /usr/share/doc; then fail "the old name of a directory is there"; fi
}
links=$(inside one stat -c %h /root/perl)
changed "$links"
ok sysct stop one
ok sysct start one --wait=90
changed "$links"
same "$(inside one systemctl is-system-running)" running "one, after a restart"
same "$(inside one hello)" "Hello, world!" "hello, after a restart"
same "$(inside two stat -c %a /usr/bin/id)" 755 "a mode, in the other"
ok inside one apt-get purge -y -q hello
if inside one test -e /usr/bin/hello; then fail "a package that was removed is there"; fi
