#!/bin/sh
# timeout: 600
# The Debian package: lintian finds no error in it; in a Debian 13 it installs, and its containers run; a newer one goes over
# it while a container runs, which lives on, is entered, and reboots; a removal is refused while one runs, and leaves nothing
# that sysct has made on the host else; a purge takes configuration and cache, and says that containers are kept.
. "${0%/*}/lib.sh"

case $(uname -m) in x86_64 | aarch64) ;; *) skip "no package for $(uname -m)" ;; esac
mkdir "$TEST_TMP/package"
ok "$REPO/scripts/package" --output "$TEST_TMP/package" --version 0.1.0-1
if grep -q '^E: ' "$OUT"; then fail "lintian: $(cat "$OUT")"; fi
old=$(tail -n 1 "$OUT")
# the newer one: the same files under another version, so that each is replaced
ok dpkg-deb -R "$old" "$TEST_TMP/newer"
sed -i 's/^Version: .*/Version: 0.1.0-2/' "$TEST_TMP/newer/DEBIAN/control"
new=$TEST_TMP/package/newer.deb
ok dpkg-deb -b "$TEST_TMP/newer" "$new"
rm -rf "$TEST_TMP/package"/sysct-* "$TEST_TMP/newer"

debian trixie outer --set security.nesting=yes --set mount./opt/package.source="$TEST_TMP/package" \
    --set mount./opt/package.create=yes --set mount./opt/package.readonly=yes
ok sysct start outer --wait=90
in_outer() { sysct attach -T outer -- "$@" </dev/null; }
apt() { in_outer env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "$@"; }
# what belongs to sysct by its name, whoever made it; the box is one itself, and dpkg writes of all that it does
named() {
    in_outer sh -c 'find / -xdev \( -path /proc -o -path /sys -o -path /opt/package -o -path /var/lib/dpkg -o -path /var/log -o -path /var/lib/apt \) \
        -prune -o -name "*sysct*" -print | sort; ip -o link | grep -c sysct; nft list tables 2>/dev/null; ls -d /run/sysct /run/netns/* 2>/dev/null
        find /sys/fs/cgroup -name "*sysct*" | sort; grep sysct /proc/self/mountinfo | cut -d " " -f 5'
}
ok apt update
# what is in the box for the tests' sake, so that what is left over is the package's
ok apt install busybox-static dnsmasq-base procps iproute2 nftables
named >"$TEST_TMP/before"

say "it installs, and runs"
ok apt install "/opt/package/${old##*/}"
same "$(in_outer sysct --version)" "sysct 0.1.0" "the program"
same "$(in_outer dpkg-query -W -f '${Version}' sysct)" 0.1.0-1 "the package"
same "$(in_outer dpkg-query -W -f '${Conffiles}\n' sysct | awk 'NF { print $1 }' | sort | xargs)" \
    "/etc/ssh/ssh_config.d/50-sysct.conf /etc/sysct/sysct.conf" "files of configuration"
ok in_outer sysct doctor
ok in_outer sh -c 'echo "# mine" >>/etc/sysct/sysct.conf'
ok in_outer sysct create one --template busybox
ok in_outer sysct start one --wait
address=$(in_outer sysct list --format csv | awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c["ipv4"] }')
[ -n "$address" ] || fail "no address"
init=$(in_outer sysct info one --format json | sed -n 's/.*"init_pid": *\([0-9]*\).*/\1/p')

say "it is not removed while a container runs"
expect 1 in_outer dpkg -r sysct
grep -q '^sysct: not removed, since containers run: one ' "$ERR" || fail "not said why: $(cat "$OUT" "$ERR")"
ok in_outer sysct attach -T one -- true

say "a newer one goes over it"
ok apt install /opt/package/newer.deb
same "$(in_outer dpkg-query -W -f '${Version}' sysct)" 0.1.0-2 "the package"
same "$(in_outer tail -n 1 /etc/sysct/sysct.conf)" "# mine" "what was changed in sysct.conf"
same "$(in_outer sysct info one --format json | sed -n 's/.*"init_pid": *\([0-9]*\).*/\1/p')" "$init" "its init"
ok in_outer sysct attach -T one -- true
ok in_outer sysct attach -T one -- reboot
booted_again() { [ "$(in_outer sysct info one --format json | sed -n 's/.*"init_pid": *\([0-9]*\).*/\1/p')" != "$init" ] &&
    in_outer sysct attach -T one -- true; }
eventually 60 booted_again
ok in_outer sysct restart one
ok in_outer sysct wait one --for booted --timeout 30

say "it is removed, with what containers share, and comes back"
ok in_outer sysct stop one
ok in_outer dpkg -r sysct
if in_outer ip link show sysct0 >/dev/null 2>&1; then fail "the bridge is left"; fi
same "$(in_outer nft list tables | grep sysct || :)" "" "tables"
same "$(in_outer pgrep -c dnsmasq || :)" 0 "servers of names"
ok in_outer test -e /etc/sysct/sysct.conf
ok apt install /opt/package/newer.deb
ok in_outer sysct start one --wait
has "$(in_outer sysct list)" "$address" "its address"
ok in_outer sysct stop --now one

say "a purge keeps containers, and nothing else"
ok in_outer dpkg -P sysct
grep -q '^sysct: the containers in /var/lib/sysct are kept' "$ERR" || fail "not said that they are kept: $(cat "$OUT" "$ERR")"
ok in_outer test -d /var/lib/sysct/containers/one/rootfs
ok in_outer rm -r /var/lib/sysct
named >"$TEST_TMP/after"
diff "$TEST_TMP/before" "$TEST_TMP/after" || fail "something is left"
ok apt install /opt/package/newer.deb
ok in_outer dpkg -P sysct
named >"$TEST_TMP/after"
diff "$TEST_TMP/before" "$TEST_TMP/after" || fail "something is left of one without containers"
