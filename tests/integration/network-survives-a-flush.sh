#!/bin/sh
# After nft flush ruleset and with dnsmasq killed, the next start makes both again.
. "${0%/*}/lib.sh"

busybox one
busybox two
ok sysct start one --wait
"$REPO/scripts/leak-check" snapshot "$TEST_TMP/here"
table=$(sed -n 's/^nft table //p' "$TEST_TMP/here")
[ -n "$table" ] || fail "no table of ours"
# only ours: others live on this host
# shellcheck disable=SC2086 # two words
nft delete table $table
pkill -f "dnsmasq .*=$SYSCT_RUN_DIR/" || :
ok sysct start two --wait
# shellcheck disable=SC2086 # two words
ok nft list table $table
ok inside two ping -c 1 -W 5 one
