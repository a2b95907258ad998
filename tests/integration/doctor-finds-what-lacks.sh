#!/bin/sh
# timeout: 120
# Each thing that doctor looks at is taken away once, and doctor says so by the id that it has, with what mends it: in mount and
# network namespaces of the test's own, by calls of the kernel that answer as an old one would, by other directories.
. "${0%/*}/lib.sh"

FOUND=$TEST_TMP/found
: >"$FOUND"

# finds STATUS ID PATTERN COMMAND...: the command ends in a call of doctor; ID has that status there, PATTERN in its reason, and
# a fix unless it is unknown
finds() {
    status_=$1
    id_=$2
    pattern_=$3
    shift 3
    code_=0
    "$@" doctor "$id_" --format json >"$OUT" 2>"$ERR" || code_=$?
    python3 - "$OUT" "$status_" "$id_" "$pattern_" $code_ <<'EOS' || fail "$id_: $(cat "$OUT" "$ERR")"
import json, re, sys
path, status, id, pattern, code = sys.argv[1:]
one, = [f for f in json.load(open(path)) if f["id"] == id]
assert set(one) == {"id", "status", "what", "reason", "fix"}, one
assert one["status"] == status, "status %s instead of %s" % (one["status"], status)
assert re.search(pattern, one["reason"]), "the reason has no " + pattern
assert one["fix"] or status == "unknown", "no fix"
assert int(code) == (status == "fail"), "exit status " + code
EOS
    echo "$id_" >>"$FOUND"
}

# without CALL:ERROR,... ID: as a kernel that answers these calls so
without() {
    calls_=$1
    shift
    inject_=''
    for c_ in $(echo "$calls_" | tr ',' ' '); do
        inject_="$inject_ -e inject=${c_%:*}:error=${c_#*:}"
    done
    # shellcheck disable=SC2086 # a list
    strace -f -o /dev/null -e "trace=$(echo "$calls_" | sed 's/:[A-Z0-9]*//g')" $inject_ sysct "$@"
}

# with SCRIPT COMMAND...: after the script, in a mount namespace of its own
with() {
    script_=$1
    shift
    unshare -m sh -ec "$script_
        exec \"\$@\"" sh "$@"
}

# hiding TOOL COMMAND...: it cannot be executed
hiding() {
    tool_=$1
    shift
    with "for d in /usr/sbin /usr/bin /usr/local/sbin /usr/local/bin; do
        [ ! -e \$d/$tool_ ] || mount --bind '$TEST_TMP/empty' \$d/$tool_
    done" "$@"
}

: >"$TEST_TMP/empty"
chmod 644 "$TEST_TMP/empty"

say "the kernel"
finds fail kernel.version 'need 5.14' setarch "$(uname -m)" --uname-2.6 sysct
finds fail kernel.namespaces 'uts' without unshare:ENOSPC
finds fail kernel.user-namespace 'max_user_namespaces' unshare -r sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec sysct "$@"' sh
finds warn kernel.time-namespace 'namespaces.time' without unshare:EINVAL
finds fail kernel.pidfd 'does not have the call' without pidfd_open:ENOSYS
finds fail kernel.openat2 'does not have the call' without openat2:ENOSYS
finds fail kernel.clone3 'born in its cgroup' without clone3:ENOSYS
finds fail kernel.mount-api 'by descriptor' without fsopen:ENOSYS
finds fail kernel.mount-setattr 'does not have the call' without mount_setattr:ENOSYS
finds fail kernel.seccomp 'security.seccomp' without seccomp:ENOSYS
no_cgroups='mount -t tmpfs none /sys/fs/cgroup'
finds fail kernel.cgroup-kill 'at once' with "$no_cgroups" setarch "$(uname -m)" --uname-2.6 sysct
no_bpf() { with "$no_cgroups" strace -f -o /dev/null -e trace=bpf -e inject=bpf:error=ENOSYS sysct "$@"; }
finds fail kernel.devices 'BPF' no_bpf
printf 'nodev\ttmpfs\nnodev\tproc\n' >"$TEST_TMP/filesystems"
filesystems="mount --bind '$TEST_TMP/filesystems' /proc/filesystems"
finds fail kernel.filesystems 'devpts' with "$filesystems" sysct
finds warn kernel.overlay 'podman' with "$filesystems" sysct
bare_dev='mount -t tmpfs none /mnt
    for n in null zero urandom; do cp -a /dev/$n /mnt/; done
    mount --move /mnt /dev'
finds fail kernel.image 'loop' with "$bare_dev" sysct
finds fail storage.loop 'loop-control' with "$bare_dev" sysct
for node in fuse tun kvm; do finds warn device.$node 'cannot be given' with "$bare_dev" sysct; done
finds warn kernel.idmapped-tmpfs '[Ii]nvalid' without mount_setattr:EINVAL
# a host that has these as modules, none of which is loaded: what stands in /usr/lib is seen through links
modules='mount --bind /usr/lib /mnt
    mount -t tmpfs none /srv
    ln -s /mnt/* /srv/
    rm -rf /srv/modules
    mkdir -p "/srv/modules/$(uname -r)"
    for m in af_alg rxrpc overlay squashfs; do echo "kernel/some/$m.ko.xz:"; done >"/srv/modules/$(uname -r)/modules.dep"
    mount --move /srv /usr/lib'
finds warn kernel.socket-families 'af_alg, rxrpc' with "$modules" sysct
# a trial would load it
if [ ! -e /sys/module/veth ]; then
    veth="$modules
        echo kernel/some/veth.ko: >>\"/usr/lib/modules/\$(uname -r)/modules.dep\""
    with "$veth" sysct doctor network.links >"$OUT"
    grep -q '^ok .*not tried: the module veth is there' "$OUT" || fail "tried, though that loads a module: $(cat "$OUT")"
fi
kept_out="$modules
    mount -t tmpfs none /run
    mkdir /run/modprobe.d
    printf 'install rxrpc /bin/false\nblacklist af_alg\n' >/run/modprobe.d/out.conf"
with "$kept_out" sysct doctor kernel.socket-families >"$OUT"
if grep -q -E 'af_alg|rxrpc' "$OUT"; then fail "kept out, and seen all the same: $(cat "$OUT")"; fi

say "cgroups"
finds warn cgroup.layout 'no hierarchy' with "$no_cgroups" sysct
for c in memory cpu cpuset pids io; do finds warn cgroup.$c 'limits\.' with "$no_cgroups" sysct; done
finds fail cgroup.writable '/sys/fs/cgroup' with 'awk "\$3 ~ /^cgroup/ { print \$2 }" /proc/self/mounts | while read -r m; do
        mount -o remount,bind,ro "$m"; done' sysct

say "what the host says of itself"
cat >"$TEST_TMP/time.c" <<'EOS'
#include <time.h>
time_t time(time_t *t) { if (t) *t = 86400; return 86400; }
EOS
ok cc -shared -fPIC -o "$TEST_TMP/time.so" "$TEST_TMP/time.c"
finds warn host.clock '1970' env LD_PRELOAD="$TEST_TMP/time.so" "$SYSCT_BUILD_DIR/tests/sysct-shared"
printf '[limits]\nmemory = much\n' >"$TEST_TMP/bad.conf"
finds fail host.config 'bad.conf:2' sysct --config "$TEST_TMP/bad.conf"
finds warn host.security 'SELinux' with 'mount -t tmpfs none /sys/fs; mkdir /sys/fs/selinux; echo 1 >/sys/fs/selinux/enforce' sysct

say "ids"
echo root:2000000000:65536 >"$TEST_TMP/subuid"
finds warn ids.files '/etc/subuid has a line' with "mount --bind '$TEST_TMP/subuid' /etc/subuid; mount --bind '$TEST_TMP/empty' /etc/subgid" sysct
printf '[host]\nid_pool = 2000027648-2000093183\n' >"$TEST_TMP/one.conf"
mkdir -p "$TEST_TMP/state/containers/first"
printf 'uuid=%s\nidmap=0:2000027648:65536\n' 11111111-2222-4333-8444-555555555555 >"$TEST_TMP/state/containers/first/identity"
finds fail ids.pool 'no 65536 ids' sysct --config "$TEST_TMP/one.conf" --state-dir "$TEST_TMP/state"
echo what >"$TEST_TMP/state/containers/first/identity"
finds fail ids.pool 'first/identity: it is damaged' sysct --config "$TEST_TMP/one.conf" --state-dir "$TEST_TMP/state"
printf '[host]\nid_pool = 1999962112-2000224255\n' >"$TEST_TMP/few.conf"
finds warn ids.pool 'ids for 4 more' sysct --config "$TEST_TMP/few.conf"
finds fail ids.pool 'id map' unshare -r sysct

say "directories"
mkdir -m 0777 "$TEST_TMP/open"
ln -s / "$TEST_TMP/link"
finds fail storage.state 'others may write' sysct --state-dir "$TEST_TMP/open"
finds fail storage.cache 'a link' sysct --cache-dir "$TEST_TMP/link"
finds fail storage.run 'others may write' sysct --run-dir "$TEST_TMP/open"
mkdir "$TEST_TMP/disk"
disk() { with "mount -t tmpfs -o mode=755,$1 none '$TEST_TMP/disk'" sysct --state-dir "$TEST_TMP/disk/s" --cache-dir "$TEST_TMP/disk/c" "$2" "$3" "$4" "$5"; }
finds fail storage.state 'read-only' disk ro
finds warn storage.cache 'noexec' disk noexec
finds fail storage.state-space 'left' disk size=1m
finds warn storage.cache-space 'left' disk size=1g
finds fail storage.state-space ' 3 files left' disk nr_inodes=4
mkdir -p "$TEST_TMP/state/containers/sick"
ok truncate -s 8M "$TEST_TMP/state/containers/sick/rootfs.img"
ok mke2fs -q -F "$TEST_TMP/state/containers/sick/rootfs.img"
ok debugfs -w -R 'set_super_value state 3' "$TEST_TMP/state/containers/sick/rootfs.img"
finds warn storage.images 'sick' sysct --state-dir "$TEST_TMP/state"

say "settings of the kernel"
# all of them, whether this kernel has them or not
sysctls='mount -t tmpfs none /proc/sys
    put() { mkdir -p "/proc/sys/${1%/*}"; echo "$2" >"/proc/sys/$1"; }
    put kernel/pty/nr 4000; put net/netfilter/nf_conntrack_count 60000'
sysct doctor sysctl --format csv | sed 1d | cut -d, -f1 >"$TEST_TMP/sysctls"
grep -q '^sysctl\.fs\.protected_symlinks$' "$TEST_TMP/sysctls" || fail "no ids of settings"
while read -r id; do
    case $id in
    *tiocsti | *userfaultfd | *apparmor*) bad=1 ;;
    *pty.max) bad=4096 ;;
    *conntrack_max) bad=65536 ;;
    *paranoid) bad=-1 ;;
    *) bad=0 ;;
    esac
    sysctls="$sysctls
    put $(echo "${id#sysctl.}" | tr . /) $bad"
done <"$TEST_TMP/sysctls"
with "$sysctls" sysct doctor sysctl --format json >"$OUT" 2>"$ERR"
python3 - "$OUT" "$TEST_TMP/sysctls" >>"$FOUND" <<'EOS' || fail "settings: $(cat "$OUT" "$ERR")"
import json, sys
found = {f["id"]: f for f in json.load(open(sys.argv[1]))}
for id in open(sys.argv[2]).read().split():
    assert found[id]["status"] == "warn", id
    assert found[id]["fix"].startswith("sysctl -w %s=" % id.split(".", 1)[1]), found[id]
    print(id)
EOS

say "the network"
host=sctdoc$$
ip netns add "$host"
defer ip netns delete "$host"
there() { nsenter --net="/run/netns/$host" sysct "$@"; }
bridge=sysct0$("$REPO/scripts/leak-check" id)
finds fail network.links 'not supported' without sendmsg:EOPNOTSUPP
printf '#!/bin/sh\necho no such thing as a table\nexit 1\n' >"$TEST_TMP/nft"
chmod 755 "$TEST_TMP/nft"
finds fail network.rules 'no such thing as a table' with "mount --bind '$TEST_TMP/nft' '$(command -v nft)'" sysct
finds unknown network.rules 'program.nft' hiding nft sysct
ip -n "$host" link add "$bridge" type bridge
finds fail network.bridge 'has not made' there
ip -n "$host" link set "$bridge" alias sysct:bridge
nsenter --net="/run/netns/$host" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
finds fail network.bridge 'down' there
finds fail network.forwarding 'nothing beyond' there
finds warn network.ipv6 'switched off' there
ip -n "$host" link set "$bridge" up
nsenter --net="/run/netns/$host" sh -c "echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/$bridge/accept_ra"
finds warn network.bridge 'advertisements' there
echo 'table inet theirs { chain forward { type filter hook forward priority 0; policy drop; }; }' |
    nsenter --net="/run/netns/$host" nft -f -
finds fail network.firewall 'has no rule' there
ip -n "$host" link delete "$bridge"
finds warn network.firewall 'drops' there
nsenter --net="/run/netns/$host" python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 53))
os.mkdir(sys.argv[1])
import time
time.sleep(60)' "$TEST_TMP/bound" &
defer kill $!
eventually 20 test -d "$TEST_TMP/bound"
finds warn network.names 'port 53' there
echo 'nameserver 127.0.0.1' >"$TEST_TMP/resolv.conf"
finds warn network.resolvers 'resolve nothing' with "mount --bind '$TEST_TMP/resolv.conf' \"\$(readlink -f /etc/resolv.conf)\"
    [ ! -e /run/systemd/resolve ] || mount -t tmpfs none /run/systemd/resolve" sysct

say "programs"
for tool in mke2fs tune2fs e2fsck nft; do
    finds fail program.$tool 'not installed' hiding $tool sysct
    grep -q '"fix": *"apt-get install ' "$OUT" || fail "$tool: no package: $(cat "$OUT")"
done
finds warn program.resize2fs '10G' hiding resize2fs sysct
finds warn program.dnsmasq 'DHCP' hiding dnsmasq sysct
# library FILE COMMAND...: it cannot be loaded
library() {
    file_=$(ldconfig -p | sed -n "s,.* => \(/.*/$1\)\$,\1,p" | head -n 1)
    shift
    with "mount --bind '$TEST_TMP/empty' '$file_'" "$@"
}
finds warn program.smartcols 'show a table: .*libsmartcols' library libsmartcols.so.1 sysct
finds warn program.smartcols 'show a table: execute /nowhere/sysct-table' env SYSCT_LIBEXEC_DIR=/nowhere "$SYSCT_LIBEXEC_DIR/sysct-main"
for own in monitor holder seccomp; do finds fail program.$own 'No such file' env SYSCT_LIBEXEC_DIR=/nowhere "$SYSCT_LIBEXEC_DIR/sysct-main"; done
finds warn template.alpine 'openssl' hiding openssl sysct
finds warn template.busybox 'busybox' hiding busybox sysct
for t in debian devuan ubuntu; do finds warn template.$t 'debootstrap' hiding debootstrap sysct; done
finds warn template.download 'jq' hiding jq sysct
finds warn template.tarball 'tar' hiding tar sysct
grep -q '"apt-get install tar"' "$OUT" || fail "no package: $(cat "$OUT")"

say "what does not answer is waited for five seconds"
printf '#!/bin/sh\nexec sleep 100\n' >"$TEST_TMP/nft"
finds warn network.firewall 'no answer' with "mount --bind '$TEST_TMP/nft' '$(command -v nft)'" sysct

# these tell what is so, and lack nothing
sysct doctor --format csv | sed 1d | cut -d, -f1 |
    grep -v -x -F -e host.init -e host.container -e storage.reflink | sort >"$TEST_TMP/all"
sort -u "$FOUND" | comm -23 "$TEST_TMP/all" - >"$OUT"
[ ! -s "$OUT" ] || fail "never seen otherwise than ok: $(cat "$OUT")"
