#!/bin/sh
# A box of busybox, which needs no network to be made: create, start, attach, stop, destroy, and nothing is left.
. "${0%/*}/lib.sh"

mark
ok sysct create small --template busybox
same "$(tail -n 1 "$OUT")" small "last line of create"
defer remove small
ok sysct start small --wait
same "$(inside small cat /proc/sys/kernel/hostname)" small hostname
same "$(inside small cat /proc/1/comm)" init "process 1"
# its users may ping without privileges, by their own ids
same "$(inside small cat /proc/sys/net/ipv4/ping_group_range | tr -s '\t ' ' ')" "0 65535" "groups that may ping"
ok sysct stop small
ok sysct destroy small
unchanged
