#!/bin/sh
# What nesting = yes opens, and that nothing of it is open by default.
. "${0%/*}/lib.sh"

# looks NAME: ids, capabilities, and the devices that a runtime of containers asks for
looks() {
    inside "$1" sh -c 'awk "{ print \"ids\", \$3 }" /proc/self/uid_map
        sed -n "s/^CapBnd:[^0-9a-f]*/caps /p" /proc/1/status
        for d in fuse net/tun; do [ ! -c /dev/$d ] || echo "dev $d"; done'
}
has_bit() { [ $((0x$1 >> $2 & 1)) = 1 ]; }

busybox plain --start
busybox nest --set security.nesting=yes --start
eventually 10 can_attach plain
eventually 10 can_attach nest
plain=$(looks plain)
nest=$(looks nest)
has "$plain" '^ids 65536$' "ids by default"
has "$nest" '^ids 1048576$' "ids with nesting"
caps=$(echo "$nest" | sed -n 's/^caps //p')
all=$(printf %016x $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
same "$caps" "$all" "capabilities with nesting"
# sys_module has no effect in a user namespace, but is asked for
caps=$(echo "$plain" | sed -n 's/^caps //p')
if has_bit "$caps" 16; then fail "sys_module by default"; fi
for dev in fuse net/tun; do
    if printf '%s\n' "$plain" | grep -q -x "dev $dev"; then fail "/dev/$dev by default"; fi
    if [ -c /dev/$dev ]; then
        has "$nest" "^dev $dev\$" "devices with nesting"
        inside nest sh -c "exec 3<>/dev/$dev" || fail "/dev/$dev does not open"
    fi
done

# what the manual says of services that would set the clock: all the others stay
ok sysct stop nest --now
ok sysct config set nest security.drop_capabilities=sys_time
ok sysct start nest --wait
same "$(looks nest | sed -n 's/^caps //p')" "$(printf %016x $((0x$all & ~(1 << 25))))" "capabilities without sys_time"

# the inner ids are the box's own alone
outer=$(field nest idmap | cut -d: -f2)
[ "$outer" -ge 100000 ] || fail "ids from $outer"

# it stops when its monitor is asked to end, as by a host that goes down
kill -TERM "$(monitor_of nest)"
eventually 30 in_state nest stopped
same "$(field nest last_exit)" stopped "how it ended"
ok sysct start nest --wait
