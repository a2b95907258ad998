#!/bin/sh
# After nft flush ruleset and with dnsmasq killed, the next start makes both again.
. "${0%/*}/lib.sh"

busybox one
busybox two
ok sysct start one --wait
table="inet sysct$("$REPO/scripts/leak-check" id)"
# only ours: others live on this host
# shellcheck disable=SC2086 # two words
nft delete table $table
pkill -f "dnsmasq .*=$SYSCT_RUN_DIR/" || :
ok sysct start two --wait
# shellcheck disable=SC2086 # two words
ok nft list table $table
ok inside two ping -c 1 -W 5 one
