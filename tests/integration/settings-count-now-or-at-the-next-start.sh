#!/bin/sh
# timeout: 120
# config set on a running box: what the manual calls live counts at once and says nothing, all else is named on standard error
# with when it counts, and what runs has none of it yet. For every key that there is.
. "${0%/*}/lib.sh"

listed=$("$SYSCT_BUILD_DIR/tests/list-keys" | grep -v ' host$')
port=$((20000 + $$ % 10000))
busybox box
ok sysct start box --wait
sysct config get box | grep -v '^template' >"$TEST_TMP/before"
tried=''

# counts WHEN KEY VALUE [KEY=VALUE...]: set with the others beside it, and taken back
counts() {
    when=$1 key=$2
    set -- "$2=$3" "$@"
    name=$key
    case $key in environment.* | credentials.*) name=${key%%.*} ;; network.* | mount.*) name=${key%%.*}.${key##*.} ;; esac
    printf '%s\n' "$listed" | grep -q -x -F "$name $when" || fail "$key: in the table $(printf '%s\n' "$listed" | grep "^$name ")"
    tried="$tried $name"
    setting=$1
    shift 4
    ok sysct config set box "$setting" "$@"
    said=$(cat "$ERR")
    case $when in
    live) same "$said" "" "what config set says of $setting" ;;
    start) has "$said" "^sysct: box: (network\.eth0\.${key##*.}|$key): at the next start\$" "what config set says of $setting" ;;
    create) has "$said" "^sysct: box: $key: counts when a container is created" "what config set says of $setting" ;;
    esac
    same "$(printf '%s\n' "$said" | grep -c -v -E ': at the next start$|: counts when a container is created|^$')" 0 "other words: $said"
    for setting in "$setting" "$@"; do
        ok sysct config unset box "${setting%%=*}"
        # nothing is different from what runs
        [ "$when" = create ] || same "$(cat "$ERR")" "" "what config unset says of ${setting%%=*}"
    done
}
attach_sees() {
    inside box sh -c 'cat /proc/self/uid_map; ls -l /proc/self/ns | sed -n "s/.*-> //p"; grep -E "^(Cap|NoNewPrivs|Seccomp)" /proc/self/status
        env | sort; hostname; cat /proc/1/environ | tr "\\0" "\\n"; grep " / " /proc/mounts; ip -4 address'
    sysct info box --format json | grep -E '"(ipv[46]|unprivileged|idmap|hostname|hwaddr|rootfs)"' -A 1
}
attach_sees >"$TEST_TMP/seen"

counts start container.hostname other
counts start container.init '/sbin/init -x'
counts start container.environment_id other
counts start container.cgroup v1
counts live container.description 'a box'
counts live container.user nobody
counts live container.autostart yes
counts live container.autostart_priority 5
counts live container.autostart_delay 3s
counts start container.restart always
counts live container.stop_signal SIGUSR2
counts live container.stop_timeout 3s
counts start container.console_log_size 1M
counts start rootfs.image other.img
counts start rootfs.directory /srv/other
counts create rootfs.size 20G
counts start rootfs.readonly yes
counts start rootfs.discard no
counts start network.type none
counts start network.bridge other
counts start network.parent eth0
counts start network.path /run/netns/other
counts start network.hwaddr 02:16:3e:11:22:33
counts start network.address 198.51.100.7/24
counts start network.gateway 198.51.100.1 network.address=198.51.100.7/24
counts start network.dns 192.0.2.53
counts start network.search example.org
counts start network.mtu 1400
counts live network.publish $port:80
counts live network.isolated yes
counts live network.host_access yes
counts live limits.memory 256M
counts live limits.swap 16M limits.memory=256M
counts live limits.cpus 1.5
counts live limits.cpu_weight 50
counts live limits.cpuset 0
counts live limits.tasks 100
counts live limits.io_read 100M
counts live limits.io_write 100M
counts live limits.io_weight 50
counts start security.privileged yes
counts start security.idmap 0:1950000000:65536
counts start security.keep_capabilities sys_time
counts start security.drop_capabilities net_raw
counts start security.seccomp none
counts start security.apparmor some-profile
counts start security.selinux system_u:system_r:box_t:s0
counts start security.nesting yes
counts start security.hardened yes
counts start security.no_new_privileges yes
counts start environment.MORE yes
counts start credentials.more yes
counts start namespaces.persist net,uts
counts start namespaces.time new
for key in name release arch variant source checksum; do
    counts live template.$key other
done
# a section of its own is named as one
ok sysct config set box network.eth1.mtu=1400
same "$(cat "$ERR")" "sysct: box: network.eth1: at the next start" "what config set says of a new section"
ok sysct config unset box network.eth1

say "devices and mounts, which come at once and go later"
# at_once KEY=VALUE...
at_once() {
    ok sysct config set box "$@"
    same "$(cat "$ERR")" "" "what config set says of $*"
}
for node in fuse net/tun kvm; do
    key=device.${node#net/}
    tried="$tried $key"
    [ -c /dev/$node ] || continue
    at_once "$key=yes"
    ok inside box test -c /dev/$node
    ok sysct config unset box "$key"
    same "$(cat "$ERR")" "sysct: box: device: at the next start" "what config unset says of $key"
done
tried="$tried device.allow mount.source mount.type mount.readonly mount.create mount.options"
at_once device.allow=/dev/kmsg
ok inside box test -c /dev/kmsg
mkdir "$TEST_TMP/source"
at_once "mount./a.source=$TEST_TMP/source" mount./a.readonly=yes mount./a.create=yes mount./a.options=noexec mount./b.type=tmpfs \
    mount./b.create=yes
has "$(inside box grep ' /a ' /proc/mounts)" 'ro,nosuid,nodev,noexec' "the new mount"
ok inside box grep ' /b tmpfs ' /proc/mounts
ok sysct config unset box mount./a
same "$(cat "$ERR")" "sysct: box: mount./a: at the next start" "what config unset says of a mount"
ok sysct config unset box mount./b
ok sysct config unset box device.allow

for key in $(printf '%s\n' "$listed" | cut -d ' ' -f 1); do
    case " $tried " in *" $key "*) ;; *) fail "$key is not tried" ;; esac
done
sysct config get box | grep -v '^template' | diff "$TEST_TMP/before" - || fail "not all is as before"

say "all of it together, for the next start: what runs, and what attach brings in, has none of it"
ok sysct config set box security.privileged=yes network.type=host security.keep_capabilities=sys_time security.drop_capabilities=net_raw \
    security.no_new_privileges=yes container.hostname=other container.environment_id=other environment.MORE=yes rootfs.readonly=yes \
    namespaces.time=new
same "$(grep -c ': at the next start$' "$ERR")" 10 "lines that say so: $(cat "$ERR")"
attach_sees | diff "$TEST_TMP/seen" - || fail "attach is not as the box was started"
