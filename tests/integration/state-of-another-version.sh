#!/bin/sh
# What sysct 0.1.0 has left, stopped or running, is read and used (tests/fixtures/0.1.0 is what it wrote). What a newer one
# may have written is refused with the way out, by each command that would change something; nothing is changed, and list and
# info show it.
# timeout: 120
. "${0%/*}/lib.sh"

old=$REPO/tests/fixtures/0.1.0
uuid=$(sed -n 's/^uuid=//p' "$old/identity")
hwaddr=$(sed -n 's/^hwaddr.eth0=//p' "$old/identity")
containers=$SYSCT_STATE_DIR/containers

# --- older ---
busybox box
defer remove alp
mkdir -m 0700 "$containers/alp"
cp "$old/identity" "$old/config" "$containers/alp/"
cp --sparse=always "$containers/box/rootfs.img" "$containers/alp/rootfs.img"
cp "$old/network" "$old/guard" "$SYSCT_STATE_DIR/"
mkdir -m 0700 "$SYSCT_RUN_DIR/alp"
cp "$old/state" "$SYSCT_RUN_DIR/alp/state"
cp "$old/started-config" "$SYSCT_RUN_DIR/alp/config"
same "$(state_of alp)" stopped "state of one that ran before the host booted"
same "$(field alp uuid)" "$uuid" uuid
ok sysct start alp --wait
has "$(cat "$ERR")" 'an earlier boot' "note of the start"
same "$(field alp hwaddr)" "$hwaddr" "MAC"
same "$(inside alp cat /sys/class/net/eth0/address)" "$hwaddr" "MAC inside"
same "$(field alp idmap)" "$(sed -n 's/^idmap=//p' "$old/identity")" "id map"
# what links are held to was beside the containers: with the first change it moves, but for rules that an older sysct has made
here=$SYSCT_RUN_DIR/.host/guard there=$SYSCT_STATE_DIR/guard
group() { awk -v uuid="$uuid" '$1 == uuid { print $3 }' "$1"; }
ok sysct start box --wait
[ ! -e "$there" ] || fail "entries in two places"
same "$(grep -c . "$here")" 2 "entries"
same "$(group "$here")" "$(group "$old/guard")" "its link's group"
mv "$here" "$there"
cp -p "$SYSCT_RUN_DIR/.host/network" "$TEST_TMP/network"
sed -i 's/^version=.*/version=1/' "$SYSCT_RUN_DIR/.host/network"
ok sysct config set box network.isolated=yes
[ ! -e "$here" ] || fail "entries in two places, and an older sysct finds only some"
same "$(grep -c . "$there")" 2 "entries"
has "$(nft list set bridge "sysct$("$REPO/scripts/leak-check" id)" isolated)" 'elements' "what is isolated"
ok sysct stop --now box
mv "$there" "$here"
cp -p "$TEST_TMP/network" "$SYSCT_RUN_DIR/.host/network"
# one that an older sysct has started, as its state tells: no key that was added since
keys() { sed 's/=.*//' "$1" | sort -u; }
keys "$old/state" >"$TEST_TMP/known"
keys "$SYSCT_RUN_DIR/alp/state" | comm -13 "$TEST_TMP/known" - >"$TEST_TMP/added"
say "added since: $(tr '\n' ' ' <"$TEST_TMP/added")"
while read -r key; do
    sed -i "/^$key=/d" "$SYSCT_RUN_DIR/alp/state"
done <"$TEST_TMP/added"
same "$(keys "$SYSCT_RUN_DIR/alp/state" | comm -23 - "$TEST_TMP/known")" "" "keys that 0.1.0 did not know"
die alp monitor
ok inside alp true
ok sysct config set alp limits.tasks=1234
ok sysct freeze alp
ok sysct thaw alp
init=$(field alp init_pid)
inside alp reboot -f || :
another() { now=$(field alp init_pid) && [ -n "$now" ] && [ "$now" != "$init" ] && inside alp true; }
eventually 20 another
ok sysct stop alp

# --- newer ---
everything() {
    find "$SYSCT_STATE_DIR" "$SYSCT_RUN_DIR" "$SYSCT_CACHE_DIR/images/$key" -type f ! -name rootfs.img ! -name 'console.log*' \
        ! -path '*/lock/*' ! -name lock ! -path '*/ns/*' ! -path '*/.host/foreign' -exec sha256sum {} + | sort -k 2
}
# newer FILE: it is of a version that nobody knows yet, and put back at the end
newer() {
    cp -p "$1" "$TEST_TMP/kept"
    sed -i '/^version=/d; /^api=/d' "$1"
    printf '%s=9\n' "${2:-version}" >>"$1"
    everything >"$TEST_TMP/before"
}
older() {
    everything >"$TEST_TMP/after"
    cp -p "$TEST_TMP/kept" "$1"
    cmp "$TEST_TMP/before" "$TEST_TMP/after" || fail "$1 of a newer version: something was changed: $(diff "$TEST_TMP/before" "$TEST_TMP/after")"
}
most=1
refuses() { refused 4 "read .*: it has (version|api) 9, and this sysct knows up to $most" "$@"; }
key=$(sed -n 's/^image_key=//p' "$containers/box/identity")

newer "$containers/alp/identity"
for command in 'start alp' 'stop alp' 'stop --now alp' 'destroy --force alp' 'config set alp limits.tasks=7' 'attach -T alp -- true' \
    'config get alp'; do
    case $command in attach*) want=125 ;; *) want=4 ;; esac
    # shellcheck disable=SC2086 # words
    refused $want "read $containers/alp/identity: it has version 9, and this sysct knows up to 1" sysct $command
done
same "$(state_of alp)" broken "its state in list"
has "$(field alp problem)" 'it has version 9' "problem in info"
same "$(state_of box)" stopped "state of the other"
older "$containers/alp/identity"

# a bridge that is there needs no choice of subnets
ip link delete "$(sed -n 's/^bridge=//p' "$SYSCT_RUN_DIR/.host/network")"
newer "$SYSCT_STATE_DIR/network"
refuses sysct start alp
older "$SYSCT_STATE_DIR/network"

ok sysct start alp
newer "$SYSCT_RUN_DIR/alp/state"
for command in 'start alp' 'stop alp' 'stop --now alp' 'destroy --force alp' 'freeze alp' 'kill alp' 'attach -T alp -- true'; do
    case $command in attach*) want=125 ;; *) want=4 ;; esac
    # shellcheck disable=SC2086 # words
    refused $want 'state: read the state: it has version 9, and this sysct knows up to 1' sysct $command
done
same "$(state_of alp)" broken "its state in list"
older "$SYSCT_RUN_DIR/alp/state"
ok inside alp true
most=2
newer "$SYSCT_RUN_DIR/.host/network"
refuses sysct start box
older "$SYSCT_RUN_DIR/.host/network"
most=1
ok sysct stop alp

newer "$SYSCT_CACHE_DIR/images/$key/meta" api
refuses sysct create other --template busybox
[ ! -d "$containers/other" ] || fail "something is left of it"
older "$SYSCT_CACHE_DIR/images/$key/meta"
ok sysct start box
