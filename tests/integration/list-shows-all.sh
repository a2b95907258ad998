#!/bin/sh
# list: valid JSON with every key of the contract, types and sizes in bytes; csv and -q; it never waits.
. "${0%/*}/lib.sh"

busybox one
busybox two
ok sysct start one --wait
sysct list --format json >"$TEST_TMP/list.json"
python3 - "$TEST_TMP/list.json" <<'EOS'
import datetime, json, sys
boxes = {box["name"]: box for box in json.load(open(sys.argv[1]))}
assert sorted(boxes) == ["one", "two"], boxes
keys = """name state init_pid monitor_pid ipv4 ipv6 autostart template release arch unprivileged disk_size disk_used
    memory_used created_at started_at""".split()
for box in boxes.values():
    assert not set(keys) - set(box), set(keys) - set(box)
one, two = boxes["one"], boxes["two"]
assert one["state"] == "running" and two["state"] == "stopped"
assert one["init_pid"] > 1 and one["monitor_pid"] > 1 and not two["init_pid"]
assert len(one["ipv4"]) == 1 and one["ipv4"][0].count(".") == 3, one["ipv4"]
assert isinstance(one["ipv6"], list) and one["unprivileged"] is True and one["autostart"] is False
assert one["template"] == "busybox"
assert one["disk_size"] == 10 * 2**30 and 0 < one["disk_used"] < 200 * 2**20, (one["disk_size"], one["disk_used"])
assert one["memory_used"] > 0 and not two["memory_used"]
for text in one["created_at"], one["started_at"]:
    datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
EOS
same "$(sysct list -q | tr '\n' ' ')" "one two " -q
same "$(sysct ls -q --running)" one --running
same "$(sysct list --format csv | wc -l)" 3 "lines of csv"
has "$(sysct list)" 'one +.*running' table
# a box that holds its breath, and a broken one, keep nobody waiting
ok sysct freeze one
echo '[nonsense' >>"$SYSCT_STATE_DIR/containers/two/config"
ok timeout 2 sysct list
same "$(state_of two)" broken "a broken configuration"
