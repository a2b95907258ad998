#!/bin/sh
# info: one JSON object with every key of the contract; the values are what the kernel says.
. "${0%/*}/lib.sh"

busybox box --set limits.memory=64M
ok sysct start box --wait
sysct info box --format json >"$TEST_TMP/info.json"
python3 - "$TEST_TMP/info.json" "$SYSCT_RUN_DIR" "$SYSCT_STATE_DIR" <<'EOS'
import json, os, sys
box = json.load(open(sys.argv[1]))
run, state = sys.argv[2:]
keys = """name state init_pid monitor_pid ipv4 ipv6 autostart template release arch unprivileged disk_size disk_used memory_used
    created_at started_at config_path rootfs hostname hwaddr cgroup idmap namespaces init booted last_exit limits
    snapshots""".split()
assert not set(keys) - set(box), set(keys) - set(box)
assert box["config_path"] == state + "/containers/box/config"
assert box["rootfs"] == state + "/containers/box/rootfs.img"
assert box["hostname"] == "box" and box["init"] == "busybox"
inside, outside, count = map(int, box["idmap"].split(":"))
assert inside == 0 and outside >= 65536 and count == 65536
assert open(f"/proc/{box['init_pid']}/uid_map").read().split() == [str(inside), str(outside), str(count)]
for kind, path in box["namespaces"].items():
    assert path == f"{run}/box/ns/{kind}", path
    assert os.stat(path).st_ino == os.stat(f"/proc/{box['init_pid']}/ns/{kind}").st_ino, kind
assert {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} <= set(box["namespaces"])
assert "64" in json.dumps(box["limits"]), box["limits"]
EOS
has "$(sysct info box)" 'running' "for people"
expect 3 sysct info no-such-box
has "$(sysct info bux 2>&1 || :)" 'box' "did you mean"
