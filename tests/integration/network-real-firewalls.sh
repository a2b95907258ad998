#!/bin/sh
# timeout: 180
# ufw and firewalld themselves, with their defaults, let boxes through to the outside, also after they were loaded anew,
# and have nothing of ours with the last box. They run in a world of their own: a network namespace, and a mount namespace
# whose /etc, /usr, /run and /var/log are not the host's. firewalld is unpacked there, since its package would begin to
# filter wherever it is installed.
. "${0%/*}/lib.sh"

for tool in ufw apt-get dbus-daemon; do
    command -v $tool >/dev/null || skip "no $tool"
done
a_host_and_its_lan
mkdir "$TEST_TMP/www" "$TEST_TMP/world" "$TEST_TMP/run"
echo of-the-lan >"$TEST_TMP/www/index.html"
ip netns exec "$lan" python3 -m http.server --directory "$TEST_TMP/www" 80 >/dev/null 2>&1 &
defer kill $!
(cd "$TEST_TMP" && apt-get download -q firewalld >/dev/null 2>"$ERR") || fail "download firewalld: $(cat "$ERR")"

cat >"$TEST_TMP/enter" <<'EOS'
set -e
mount --make-rprivate /
mount -t tmpfs world "$1/world"
for d in etc usr; do
    mkdir -p "$1/world/$d" "$1/world/$d-work"
    mount -t overlay world -o "lowerdir=/$d,upperdir=$1/world/$d,workdir=$1/world/$d-work" "/$d"
done
mount --bind "$2" "$1/run"
mount -t tmpfs world /run
mkdir -p "$2" /run/dbus /run/netns
mount --bind "$1/run" "$2"
mount -t tmpfs world /var/log
dpkg -x "$1"/firewalld_*.deb "$1/world/firewalld"
cp -a "$1/world/firewalld/usr/." /usr/
cp -a "$1/world/firewalld/etc/." /etc/
cat >/etc/dbus-of-test.conf <<'EOC'
<busconfig>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <type>session</type>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
EOC
touch /run/entered
exec sleep 600
EOS
nsenter --net="/run/netns/$host" unshare -m sh "$TEST_TMP/enter" "$TEST_TMP" "$SYSCT_RUN_DIR" &
world=$!
defer kill "$world"
there() { nsenter -t "$world" -n -m "$@"; }
sysct() { there sysct "$@"; }
eventually 20 there test -e /run/entered
outside() { inside box sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 3 198.51.100.2 80 | tail -n 1" 2>/dev/null; }
rules() { there nft list ruleset 2>/dev/null | grep -v -e packets -e '^# '; }

say ufw
# it speaks of routed packets only on a host that forwards, and a new namespace begins as the real host happens to be
there sysctl -q -w net.ipv4.ip_forward=1
busybox box
ok there ufw --force enable
has "$(there ufw status verbose)" 'deny \(routed\)' "what ufw does by default"
before=$(rules)
ok sysct start box --wait
same "$(outside)" of-the-lan "the outside"
ok inside box nslookup box.sysct "$(inside box ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p')"
ok there ufw reload
same "$(outside)" of-the-lan "after a reload"
there iptables -F FORWARD
ok there ufw reload
same "$(outside)" "" "our rules are lost: ufw drops"
ok sysct config set box container.description=x
same "$(outside)" of-the-lan "after the next command"
ok sysct destroy --force box
same "$(rules)" "$before" "the rules of ufw, with the last box"
ok there ufw --force disable
there nft flush ruleset

say firewalld
there dbus-daemon --config-file=/etc/dbus-of-test.conf --nofork --nopidfile >/dev/null 2>&1 &
defer kill $!
eventually 10 there test -S /run/dbus/system_bus_socket
there /usr/sbin/firewalld --nofork --nopid >/dev/null 2>&1 &
defer kill $!
eventually 30 there firewall-cmd --state
busybox box
ok sysct start box --wait
has "$(there firewall-cmd --zone=trusted --list-interfaces)" sysct0 "the zone of the bridge"
same "$(outside)" of-the-lan "the outside"
ok inside box nslookup box.sysct "$(inside box ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p')"
ok there firewall-cmd --reload
same "$(outside)" "" "firewalld has forgotten the bridge: it drops"
ok sysct config set box container.description=x
same "$(outside)" of-the-lan "after the next command"
ok sysct destroy --force box
same "$(there firewall-cmd --get-active-zones)" "" "zones with the last box"
if there nft list ruleset | grep -q sysct; then fail "something of ours is left"; fi
