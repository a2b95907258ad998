#!/bin/sh
# A value out of its range is refused: config set says which key and what is allowed, and the file stays as it is; in a file
# the line is named as well. For every key that there is.
. "${0%/*}/lib.sh"

busybox box
file=$SYSCT_STATE_DIR/containers/box/config
cp -p "$file" "$TEST_TMP/before"
tried=''

# said TEXT ALLOWED: in one line of error
said() {
    error=$(grep -v '^hint: ' "$ERR")
    case $error in
    sysct:*sysct:*) fail "$key = $value: more than one line of error: $error" ;;
    "sysct: "*"$1"*"allowed: $2" | "sysct: "*"$1"*"allowed: $2; did you mean "*) ;;
    *) fail "$key = $value: neither \"$1\" nor \"$2\": $error" ;;
    esac
}

# refuses KEY VALUE ALLOWED
refuses() {
    key=$1 value=$2
    name=${key##*.} conf=$TEST_TMP/box.conf
    tried="$tried $key"
    # as it stands in a file, and in messages
    section="[${key%%.*}]"
    case $key in
    network.*.* | mount.*) title=${key#*.} && section="[${key%%.*} \"${title%.*}\"]" ;;
    network.*) section='[network "eth0"]' ;;
    host.*) conf=$TEST_TMP/sysct.conf ;;
    esac
    expect 2 sysct config set box "$key=$value"
    case $key in environment.*) said "[environment]: \"$name\"" "$3" ;; *) said "$section $name: " "$3" ;; esac
    cmp -s "$file" "$TEST_TMP/before" || fail "config set $key=$value changed the file"
    printf '# line 1\n%s\n%s = %s\n' "$section" "$name" "$value" >"$conf"
    expect 2 sysct config check "$conf"
    said "$conf:3: $section $name: " "$3"
}

long=$(printf '%1025s' x | tr ' ' x)
longer=$(printf '%4097s' x | tr ' ' x)

refuses container.hostname a_b 'a host name of at most 64 letters, digits, - and .'
refuses container.init sbin/init 'an absolute path inside and arguments, separated by blanks'
refuses container.environment_id 'a b' 'at most 64 letters, digits, _ . -'
refuses container.cgroup v3 'auto, v2, v1'
refuses container.description "$long" 'at most 1024 bytes of text'
refuses container.user :staff 'USER or USER:GROUP, names or numbers'
refuses container.autostart maybe 'yes, no'
refuses container.autostart_priority 1000001 '0 to 1000000'
refuses container.autostart_delay 2d '0s to 1d'
refuses container.restart yes 'no, on-failure, always'
refuses container.stop_signal SIGFOO "auto, a signal's name such as SIGRTMIN+3, or 1 to 64"
refuses container.stop_timeout 25h '0s to 1d'
refuses container.console_log_size 4095 '4K to 1G'
refuses rootfs.image ../other.img "a file, absolute or relative to the container's directory, without \"..\""
refuses rootfs.directory / "a directory, absolute or relative to the container's, without \"..\", not /"
refuses rootfs.size 16383K '16M to 16T'
refuses rootfs.readonly maybe 'yes, no'
refuses rootfs.discard never 'auto, yes, no'
refuses network.type bridge 'veth, macvlan, namespace, host, none'
refuses network.bridge sixteen-letters- 'the name of a link, at most 15 letters, digits, _ . -'
refuses network.parent a/b 'the name of a link, at most 15 letters, digits, _ . -'
refuses network.eth1.path netns/x 'an absolute path, without "..", such as /run/netns/NAME'
refuses network.hwaddr 01:16:3e:11:22:33 'auto, or a unicast address such as 02:16:3e:11:22:33'
refuses network.address 10.0.3.7 'auto, dhcp, none, or ADDRESS/PREFIX such as 10.0.3.7/24'
refuses network.gateway 10.0.3.1/24 'an IP address'
refuses network.dns dns.example 'an IP address'
refuses network.search a..b 'a domain name'
refuses network.eth1.mtu 67 'auto, or 68 to 65535'
refuses network.publish 65536:80 '[HOSTIP:]HOSTPORT:PORT[/udp] such as 8080:80, an IPv6 HOSTIP in brackets and not ::1'
refuses network.isolated partly 'yes, no'
refuses network.host_access 22 'yes, no'
refuses limits.memory 1023K 'auto, none, or 1M to 7E'
refuses limits.swap 8E 'auto, none, or 0 to 7E'
refuses limits.cpus 0.001 'none, or 0.01 to 8192'
refuses limits.cpu_weight 10001 'none, or 1 to 10000'
refuses limits.cpuset 3-1 'a list such as 0-3,7'
refuses limits.tasks 0 'auto, none, or 1 to 4194304'
refuses limits.io_read 4095 'none, or 4K to 7E'
refuses limits.io_write 0 'none, or 4K to 7E'
refuses limits.io_weight 0 'none, or 1 to 10000'
refuses security.privileged maybe 'yes, no'
refuses security.idmap 0:100000 'auto, or INSIDE:OUTSIDE:COUNT such as 0:100000:65536'
refuses security.keep_capabilities cap_sys_tim 'a capability such as cap_net_admin'
has "$(cat "$ERR")" 'did you mean "sys_time"' "a name that is near"
refuses security.drop_capabilities cap_no_such_thing 'a capability such as cap_sys_time'
refuses security.seccomp mine.profile 'default, none, or the absolute path of a profile'
refuses security.apparmor "$longer" 'the name of a loaded profile'
refuses security.selinux user:role 'a context, USER:ROLE:TYPE or USER:ROLE:TYPE:RANGE'
refuses security.nesting 2 'yes, no'
refuses security.hardened 2 'yes, no'
refuses security.no_new_privileges YES 'yes, no'
refuses device.fuse rw 'yes, no'
refuses device.tun rw 'yes, no'
refuses device.kvm rw 'yes, no'
refuses device.allow '/dev/kmsg rx' '/dev/NODE, and any of r, w, m behind it'
refuses mount./mnt.source srv 'an absolute path'
refuses mount./mnt.type overlay 'bind, tmpfs'
refuses mount./mnt.readonly ro 'yes, no'
refuses mount./mnt.create 0755 'yes, no'
refuses mount./mnt/a.b.options dev \
    'nosuid, suid, noexec, exec, noatime, relatime, strictatime, nodiratime, nosymfollow, norbind, noidmap; for tmpfs: size=, mode=, uid=, gid=, nr_inodes='
refuses environment.1ST x 'letters, digits and _, not beginning with a digit'
refuses credentials.pass 'a\qb' 'text, with \n for a new line, \t, \\ and \xHH'
refuses namespaces.persist pid 'net, uts, ipc'
refuses namespaces.time boot 'host, new'
refuses template.name "$longer" 'at most 4096 bytes of text'
refuses template.release "$longer" 'at most 4096 bytes of text'
refuses template.arch 'x86 64' 'a name as of uname -m'
refuses template.variant "$longer" 'at most 4096 bytes of text'
refuses template.source "$longer" 'at most 4096 bytes of text'
refuses template.checksum "$longer" 'at most 4096 bytes of text'
refuses host.bridge lo 'the name of a link, at most 15 letters, digits, _ . -'
refuses host.subnet 10.0.3.0/30 'auto, or NETWORK/PREFIX such as 10.0.3.0/24, prefix 8 to 29'
refuses host.subnet6 fd00:1::/120 'auto, none, or NETWORK/PREFIX such as fd00:1::/64, prefix 48 to 112'
refuses host.id_pool 65536-131070 'FIRST-LAST, from 65536 to 4294967294, at least 65536 ids'
refuses host.cache_age 3651d '0s to 3650d'
refuses host.mirror 'alpine ftp://mirror.example' 'TEMPLATE and a URL of http, https or file'

# no key without a row
for key in $("$SYSCT_BUILD_DIR/tests/list-keys" | cut -d ' ' -f 1); do
    for try in $tried; do
        case $try in "$key" | "${key%.*}".*."${key##*.}" | "$key".*) continue 2 ;; esac
    done
    fail "$key is not tried"
done
# and a right value of a key that is not a container's
expect 2 sysct config set box host.bridge=br0
has "$(cat "$ERR")" '\[host\] may stand in sysct\.conf only' "the reason"
cmp -s "$file" "$TEST_TMP/before" || fail "the file is changed"
