#!/bin/sh
# timeout: 300
# Fifty boxes are created by fifty commands at once, started by one command, by --all, and by fifty at once, and stopped so: all
# run, each with ids, addresses and a MAC that no other has, and each is reached by its address.
. "${0%/*}/lib.sh"

boxes=$(seq -f 'f%02.0f' 50)

# at_once COMMAND...: for each box, in processes of their own; all succeed
at_once() {
    for box in $boxes; do
        (
            rc=0
            "$@" "$box" >/dev/null 2>"$TEST_TMP/$box.err" || rc=$?
            echo $rc >"$TEST_TMP/$box.rc"
        ) &
    done
    wait
    for box in $boxes; do
        same "$(cat "$TEST_TMP/$box.rc")" 0 "$* $box: $(cat "$TEST_TMP/$box.err")"
    done
}

# all_are STATE: and where they run, nobody has what another one has
all_are() {
    sysct list --format json >"$TEST_TMP/list"
    sysct info --format json "$(echo "$boxes" | head -n 1)" >/dev/null
    python3 - "$TEST_TMP/list" "$1" "$SYSCT_STATE_DIR" <<'EOS'
import json
import sys

boxes = json.load(open(sys.argv[1]))
wanted, state_dir = sys.argv[2:]
assert len(boxes) == 50, len(boxes)
others = {box["name"]: box["state"] for box in boxes if box["state"] != wanted}
assert not others, "not %s: %s" % (wanted, others)


def distinct(what, values):
    assert None not in values and "" not in values, "%s: one has none" % what
    twice = {value for value in values if values.count(value) > 1}
    assert not twice, "%s: given twice: %s" % (what, twice)


identities = []
for box in boxes:
    with open("%s/containers/%s/identity" % (state_dir, box["name"])) as file:
        identities.append(dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line))
distinct("uuid", [identity["uuid"] for identity in identities])
ranges = sorted(tuple(map(int, identity["idmap"].split(":")[1:])) for identity in identities)
for (first, count), (second, _) in zip(ranges, ranges[1:]):
    assert first + count <= second, "ids of two boxes overlap: %d+%d, %d" % (first, count, second)
if wanted == "running":
    for what in "ipv4", "ipv6":
        assert all(len(box[what]) == 1 for box in boxes), what
        distinct(what, [box[what][0] for box in boxes])
    distinct("init", [box["init_pid"] for box in boxes])
    distinct("monitor", [box["monitor_pid"] for box in boxes])
    distinct("mac", [identity["hwaddr.eth0"] for identity in identities])
EOS
}

# its own address is what list shows, for some of them
reached() {
    for box in f01 f25 f50; do
        address=$(field $box ipv4)
        has "$(inside $box ip -4 -o addr show dev eth0)" " $address/" "the address of $box inside"
        eventually 10 ping -n -q -c 1 -W 2 "$address"
    done
}

for box in $boxes; do
    defer remove "$box"
done
busybox first    # the image is in the cache, and the fifty copy it
ok sysct destroy first
at_once sysct create --template busybox
all_are stopped
# shellcheck disable=SC2086 # names
ok sysct start $boxes
all_are running
reached
# shellcheck disable=SC2086 # names
ok sysct stop --now $boxes
all_are stopped
ok sysct start --all
all_are running
ok sysct stop --all --timeout 0
all_are stopped
at_once sysct start
all_are running
reached
at_once sysct stop --now
all_are stopped
at_once sysct destroy
same "$(sysct list -q)" "" "what is left"
