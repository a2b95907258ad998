# SPDX-License-Identifier: LGPL-2.1-or-later
"""sysbench and iperf3 in containers and on the host itself: the same programs, by turns."""

import fcntl
import json
import os
import re
import stat
import subprocess
import time

from boxes import Lxc, Sysct, Subject
from host import Failed, loop_of, run, say
from measures import Turns, columns
from report import Table

LOOP_SET_DIRECT_IO = 0x4C08
FILES = ["--file-num=4", "--file-total-size=128M"]
# what, unit, sysbench's arguments, where its answer stands
PLAIN = [
    ("cpu, 1 thread", "events/s", ["cpu", "--cpu-max-prime=10000"], r"events per second:\s*([0-9.]+)"),
    ("memory, writes of 1 KiB", "MiB/s", ["memory", "--memory-total-size=10000G"], r"\(([0-9.]+) MiB/sec\)"),
    ("threads, 4 on 4 locks", "events", ["threads", "--threads=4", "--thread-locks=4"], r"total number of events:\s*([0-9]+)"),
]
DISK = [
    ("random read", ["--file-test-mode=rndrd"], r"read, MiB/s:\s*([0-9.]+)"),
    ("random read, O_DIRECT", ["--file-test-mode=rndrd", "--file-extra-flags=direct"], r"read, MiB/s:\s*([0-9.]+)"),
    ("random write", ["--file-test-mode=rndwr", "--file-fsync-freq=0", "--file-fsync-end=off"],
     r"written, MiB/s:\s*([0-9.]+)"),
    ("random write, fsync after each", ["--file-test-mode=rndwr", "--file-fsync-all=on", "--file-fsync-end=off"],
     r"written, MiB/s:\s*([0-9.]+)"),
]


class Itself(Subject):
    """The host: the container's programs by chroot, files on an image that it mounts, a link on the bridge."""

    key, title = "host", "host"

    def __init__(self, host, tree):
        super().__init__(host)
        self.tree = tree
        self.image = host.path("host.img")
        self.net = f"bench{host.id}"

    def boot(self):
        for name, minor in (("null", 3), ("urandom", 9)):  # iperf3 wants them
            if not os.path.exists(f"{self.tree}/dev/{name}"):
                os.mknod(f"{self.tree}/dev/{name}", 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        run("truncate", "-s", "3G", self.image)
        run("mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=0", self.image)
        run("mount", "-o", "loop", self.image, self.tree + "/srv")
        self.host.later(run, "umount", self.tree + "/srv")
        address, bridge, link = self.host.address(), self.host.bridge(), f"b{self.host.id}-0"
        run("ip", "netns", "add", self.net)
        self.host.later(run, "ip", "netns", "del", self.net)
        mtu = str(self.host.mtu())
        run("ip", "link", "add", link, "mtu", mtu, "type", "veth", "peer", "name", "eth0", "mtu", mtu, "netns", self.net)
        run("ip", "link", "set", link, "master", bridge, "up")
        run("ip", "-n", self.net, "address", "add", address, "dev", "eth0")
        run("ip", "-n", self.net, "link", "set", "eth0", "up")
        self.ip = address.split("/")[0]

    def inside(self, *command):
        return ["chroot", self.tree, *command]

    def beside(self, *command):
        return ["ip", "netns", "exec", self.net, "chroot", self.tree, *command]

    def loop_number(self):
        return loop_of(self.image)

    def image_path(self):
        return self.image


class SysctInside(Sysct):
    def boot(self):
        self.host.sysct("start", "inside", "--wait")
        self.ip = json.loads(self.host.sysct("info", "inside", "--format", "json"))["ipv4"][0]

    def inside(self, *command):
        return self.enter("inside", *command)

    beside = inside

    def loop_number(self):
        return self.loop("inside")

    def image_path(self):
        return os.path.join(self.boxes, "inside", "rootfs.img")


class LxcInside(Lxc):
    def __init__(self, host, tree):
        super().__init__(host, "loop")
        self.tree = tree

    def boot(self):
        self.add_tree("inside", self.tree, "3G")
        run(*self.command("lxc-start", "inside"))
        until = time.monotonic() + 60
        while run(*self.inside("systemctl", "is-system-running"), check=False).strip() not in ("running", "degraded"):
            if time.monotonic() > until:
                raise Failed("it does not boot")
            time.sleep(0.5)
        addresses = run(*self.command("lxc-info", "inside", "-i", "-H")).split()
        self.ip = next((a for a in addresses if a.startswith("198.")), None)
        if not self.ip:
            raise Failed(f"it has no address of the bridge, only {addresses}")

    def inside(self, *command):
        return self.enter("inside", *command)

    beside = inside

    def loop_number(self):
        return self.loop("inside")

    def image_path(self):
        return self.where("inside") + "/rootfs.img"


def sysbench(subject, arguments, pattern, seconds, action="run"):
    text = run(*subject.inside("sh", "-c", 'cd /srv && exec sysbench "$@"', "sh", *arguments, f"--time={seconds}", action),
               env=subject.host.env, timeout=seconds + 120)
    if action != "run":
        return None
    found = re.search(pattern, text)
    if not found:
        raise Failed(f"sysbench {' '.join(arguments)}: no figure in its answer")
    return float(found.group(1))


def direct_io(subject, on):
    number = subject.loop_number()
    if number is None:
        raise Failed("its loop device is not found")
    fd = os.open(f"/dev/loop{number}", os.O_RDWR)
    try:
        fcntl.ioctl(fd, LOOP_SET_DIRECT_IO, 1 if on else 0)
    except OSError as why:
        raise Failed(f"direct I/O of /dev/loop{number}: {why.strerror}") from None
    finally:
        os.close(fd)


def no_scheduler(subject):
    """A loop device keeps the one that somebody gave it for another file."""
    number = subject.loop_number()
    if number is None:
        raise Failed("its loop device is not found")
    with open(f"/sys/block/loop{number}/queue/scheduler", "w", encoding="ascii") as f:
        f.write("none")


def tcp(host, subject, seconds, reverse):
    server = subprocess.Popen(subject.beside("iperf3", "-s", "-1"), env=host.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until = time.monotonic() + 15
        while True:
            answer = run("chroot", host.path("inside.tree"), "iperf3", "-J", "-c", subject.ip, "-t", str(seconds),
                         *(["-R"] if reverse else []), check=False, timeout=seconds + 60)
            try:
                return json.loads(answer)["end"]["sum_received"]["bits_per_second"] / 1e9
            except (ValueError, KeyError):
                if time.monotonic() > until:
                    raise Failed(f"iperf3 to {subject.ip}: {answer.strip()[-200:]}") from None
            time.sleep(0.2)
    finally:
        try:
            server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            server.terminate()
            server.wait()


def as_the_host(m):
    return m["sysct"] >= 0.97 * m["host"]


def inside(host, _subjects, options):
    box = SysctInside(host)
    try:
        box.create("inside", "--template", "debian", "--release", options.release, "--packages", "sysbench,iperf3",
                   timeout=3600)
    except Failed as why:
        say("inside: skipped:", why)
        return []
    tree = host.tree_of("inside", "inside.tree")
    everybody = [Itself(host, tree), box]
    lxc = LxcInside(host, tree)
    if lxc.missing() or not {"lxc", "lxc-loop"} & set(options.subjects):
        say(f"inside: LXC is left out{': ' + lxc.missing() if lxc.missing() else ''}")
    else:
        everybody.append(lxc)
    table = Table("Inside a container", columns(everybody), f"More is better; each for {options.seconds} s, of the same programs; "
                  "files of 128 MiB on ext4 on a loop device, without and with its direct I/O.")
    goal = ("97 % of the host", as_the_host)
    turns = Turns(everybody, "inside")
    turns.each(lambda s: s.boot())
    turns.each(no_scheduler)
    turns.each(lambda s: sysbench(s, ["fileio", *FILES], "", 1, "prepare"))
    rows = []

    def wanted(what):
        return not options.rows or any(what.lower().startswith(row.lower()) for row in options.rows)

    for what, unit, arguments, pattern in PLAIN:
        if not wanted(what):
            continue
        rows.append((table.row(what, unit, *goal), lambda s, a=arguments, p=pattern: sysbench(s, a, p, options.seconds)))
    for what, arguments, pattern in DISK:
        for direct in (False, True) if wanted(what) else ():
            def measure(s, a=arguments, p=pattern, direct=direct):
                direct_io(s, direct)
                return sysbench(s, ["fileio", *FILES, *a], p, options.seconds)
            rows.append((table.row(f"{what}{'; loop direct' if direct else ''}", "MiB/s", *goal), measure))
    for what, reverse in (("TCP into it", False), ("TCP out of it", True)):
        if not wanted(what):
            continue
        rows.append((table.row(what, "Gbit/s", *goal), lambda s, r=reverse: tcp(host, s, options.seconds, r)))
    for number in range((options.rounds if options.rows else min(options.rounds, 5)) + 1):
        for row, measure in rows:
            def turn(s, row=row, measure=measure, counts=number > 0):
                value = measure(s)
                if counts:
                    row.add(s.key, value)
            turns.each(turn, number)
    for direct in (False, True) if not options.rows else ():
        row = table.row(f"cached a second time, after a read of 128 MiB{'; loop direct' if direct else ''}", "MiB")
        turns.each(lambda s, row=row, direct=direct: row.add(s.key, cached_of(s, direct)))
    return [table]


def cached_of(subject, direct):
    """MiB of the image in the host's page cache, besides what the container's own file system has there."""
    direct_io(subject, direct)
    fd = os.open(subject.image_path(), os.O_RDONLY)
    try:
        run(*subject.inside("sh", "-c", 'for f in /srv/test_file.*; do dd "if=$f" iflag=nocache count=0 status=none; done'),
            env=subject.host.env)
        os.fdatasync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        before = resident(subject.image_path())
        run(*subject.inside("sh", "-c", "cat /srv/test_file.* >/dev/null"), env=subject.host.env)
        return (resident(subject.image_path()) - before) / 2**20
    finally:
        os.close(fd)


def resident(path):
    return int(run("fincore", "-b", "-n", "-o", "RES", path).split()[0])
