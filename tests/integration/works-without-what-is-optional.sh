#!/bin/sh
# timeout: 120
# Without any program that is optional, all at once, containers are made from the cache, started, entered, stopped and destroyed;
# what does need one of them says which, and the package that has it. README's table of dependencies names them all.
. "${0%/*}/lib.sh"

: >"$TEST_TMP/empty"
chmod 644 "$TEST_TMP/empty"

# hiding 'TOOL...' COMMAND...: none of them can be executed
hiding() {
    tools_=$1
    shift
    unshare -m sh -ec "for t in $tools_; do
            for d in /usr/sbin /usr/bin /usr/local/sbin /usr/local/bin; do
                [ ! -e \$d/\$t ] || mount --bind '$TEST_TMP/empty' \$d/\$t
            done
        done
        exec \"\$@\"" sh "$@"
}

# lacks TOOL PACKAGE COMMAND...: refused without TOOL, by a line that names it and words that name the package
lacks() {
    tool_=$1
    package_=$2
    shift 2
    got=0
    hiding "$tool_" "$@" >"$OUT" 2>"$ERR" </dev/null || got=$?
    [ $got != 0 ] || fail "it went well without $tool_: $*"
    say "$(cat "$ERR")"
    grep -q -E "^sysct: .*$tool_" "$ERR" || fail "the error does not name $tool_: $(cat "$ERR")"
    grep -q -E "(apt-get install|Debian package:) $package_( |\)|\$)" "$ERR" || fail "nothing names the package $package_: $(cat "$ERR")"
    grep -q -F "$package_" "$TEST_TMP/README" || fail "README's table does not have $package_"
}
sed -n '/^| program or library/,/^$/p' "$REPO/README.md" >"$TEST_TMP/README"

busybox box
ok sysct start box --wait
ok sysct stop --now box

# without LIBRARY COMMAND...: it cannot be loaded
without() {
    library_=$1
    shift
    unshare -m sh -ec "for f in \$(ldconfig -p | sed -n 's,.* => \(/.*/$library_\)\$,\1,p'); do
            mount --bind '$TEST_TMP/empty' \$f
        done
        exec \"\$@\"" sh "$@"
}

say "the library that shows tables: what needs it names it, all else goes on"
got=0
without libsmartcols.so.1 sysct list >"$OUT" 2>"$ERR" || got=$?
[ $got = 1 ] || fail "status $got without it: sysct list"
grep -q -F libsmartcols.so.1 "$ERR" || fail "the error does not name it: $(cat "$ERR")"
grep -q -x "hint: apt-get install libsmartcols1" "$ERR" || fail "nothing names its package: $(cat "$ERR")"
grep -q -F libsmartcols1 "$TEST_TMP/README" || fail "README's table does not have libsmartcols1"
for words in '--version' 'list --quiet' 'list --format json' 'start box --wait' 'attach -T box -- true' 'info --format csv box' 'stop --now box'; do
    # shellcheck disable=SC2086 # words of the command
    without libsmartcols.so.1 sysct $words || fail "without it: sysct $words"
done

say "all of them away"
everything='dnsmasq nft mke2fs tune2fs e2fsck resize2fs debootstrap gpgv wget curl openssl xz zstd bzip2 jq busybox ssh ip nsenter vi
    nano iptables-legacy firewall-cmd dpkg-deb'
# in one mount namespace: what a start pins is seen in its own. The bridge's rules want nft, so this one is on none.
cat >"$TEST_TMP/bare" <<'EOS'
set -ex
sysct --version
sysct list
sysct create bare --template busybox --offline --set network.eth0.type=none
sysct start bare --wait
sysct attach -T bare -- true
sysct info bare
sysct config set bare limits.memory=64M
sysct restart bare
sysct wait bare --for booted
sysct logs bare
sysct stop bare
sysct destroy bare
! sysct doctor
EOS
defer remove bare
ok hiding "$(echo "$everything" | xargs)" sh "$TEST_TMP/bare"

say "nft alone, for the bridge: names stand in /etc/hosts"
ok sysct destroy --force box
cat >"$TEST_TMP/bridged" <<'EOS'
set -ex
for name in one two; do sysct create $name --template busybox --offline; done
sysct start one two --wait
sysct attach -T one -- ping -c 1 -W 5 two
sysct stop --now one two
EOS
defer remove one
defer remove two
ok hiding "$(echo "$everything" | xargs -n 1 | grep -v -x nft | xargs)" sh "$TEST_TMP/bridged"

say "each where it is needed"
# a later start of one that has its rules needs none, nor does a first one while nobody else has changed any
busybox three
ok nft add table inet "sct-passing-$$"
ok nft delete table inet "sct-passing-$$"
lacks nft nftables sysct start three
ok sysct destroy three
# not cleanly unmounted
ok debugfs -w -R 'set_super_value state 0' "$SYSCT_STATE_DIR/containers/one/rootfs.img"
lacks e2fsck e2fsprogs sysct start one
ok sysct start one
ok sysct stop --now one
fresh="--cache-dir $TEST_TMP/cache"
# shellcheck disable=SC2086 # words
for tool in mke2fs tune2fs; do lacks $tool e2fsprogs sysct $fresh create new --template busybox; done
lacks resize2fs e2fsprogs sysct create new --template busybox --size 3G
lacks busybox busybox-static sysct create new --template busybox --refresh
for tool in debootstrap gpgv wget; do lacks $tool $tool sysct create new --template debian --refresh; done
mirror
lacks openssl openssl sysct create new --template alpine --mirror "$MIRROR" --refresh
lacks jq jq sysct create new --template download --release any/any --refresh
mkdir "$TEST_TMP/tree"
ok tar -C "$TEST_TMP/tree" -cf "$TEST_TMP/root.tar" .
for pack in xz:xz-utils:xz zstd:zstd:zst bzip2:bzip2:bz2; do
    tool=${pack%%:*}
    command -v "$tool" >/dev/null || continue
    ok "$tool" -k -f "$TEST_TMP/root.tar"
    lacks "$tool" "$(echo "$pack" | cut -d: -f2)" sysct create new --template tarball --source "$TEST_TMP/root.tar.${pack##*:}"
done
refused 1 'no editor' hiding 'vi nano' env -u VISUAL -u EDITOR sysct config edit one
same "$(sysct list -q | xargs)" "one two" "containers, of which none was half made"
