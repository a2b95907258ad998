# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/bench makes on the host and takes away again: directories, programs, a bridge; and how it runs commands."""

import ipaddress
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(REPO, "tests", "bench")


class Failed(Exception):
    """One command or measure did not work; the text says which and why."""


def say(*words):
    print("bench:", *words, file=sys.stderr, flush=True)


def have(program):
    return shutil.which(program) is not None


def signal_all(child, number):
    """To its session; it may have ended meanwhile."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


def run(*argv, check=True, env=None, timeout=900):
    """Output of a command; ^C comes to us alone, and we hand it on."""
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             start_new_session=True, env=env)
    try:
        out, err = child.communicate(timeout=timeout)
    except BaseException as why:
        signal_all(child, signal.SIGINT)
        try:
            child.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            signal_all(child, signal.SIGKILL)
            child.communicate()
        if isinstance(why, subprocess.TimeoutExpired):
            raise Failed(f"{' '.join(argv)}: not ready after {timeout} seconds") from None
        raise
    if check and child.returncode != 0:
        lines = (err or out).strip().splitlines()
        raise Failed(f"{' '.join(argv)}: status {child.returncode}: {lines[-1] if lines else 'it says nothing'}")
    return out


class Host:
    """One run's place. Everything made here is gone after close()."""

    def __init__(self, options):
        self.id = f"{os.getpid() % 46656:x}"
        self.undo = []
        self.dir = tempfile.mkdtemp(prefix="sysct-bench-", dir=options.dir)
        os.chmod(self.dir, 0o711)  # ids of a container walk through it
        self.later(shutil.rmtree, self.dir)
        self.rundir = self.run_dir()
        self.cache = options.cache or self.path("cache")
        os.makedirs(self.cache, exist_ok=True)
        self.build_dir = os.path.abspath(options.build or os.path.join(REPO, "build-bench"))
        self.programs = self.path("programs")
        self.env = dict(os.environ, LC_ALL="C", SYSCT_DATA_DIR=REPO, SYSCT_LIBEXEC_DIR=self.programs,
                        SYSCT_STATE_DIR=self.path("state"), SYSCT_RUN_DIR=self.rundir, SYSCT_CACHE_DIR=self.cache)
        self.env.pop("SYSCT_CONFIG", None)
        self.sysct_program = os.path.join(self.programs, "sysct")
        self.alpine_mirror = options.alpine_mirror
        self.bridge_name = f"bench{self.id}"
        self.has_bridge = False
        self.subnet = None
        self.given = 1

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def run_dir(self):
        """One that everybody can walk to: dnsmasq reads below it. On a tmpfs, as /run is where systemd has booted."""
        path = tempfile.mkdtemp(prefix="sysct-bench-", dir="/run")
        self.later(os.rmdir, path)
        run("mount", "-t", "tmpfs", "-o", "mode=0755,nosuid,nodev", "tmpfs", path)
        self.later(run, "umount", path)
        return path

    def later(self, call, *args):
        self.undo.append((call, args))

    def close(self):
        """Last first; what cannot be undone is told, and the rest is done all the same."""
        good = True
        while self.undo:
            call, args = self.undo.pop()
            try:
                call(*args)
            except (Failed, OSError) as why:
                say("cleaning up:", why)
                good = False
        return good

    # --- programs ---

    @staticmethod
    def copy(source, target):
        """As an installation has it, and the peers' are one: what a linker has written lies in memory page by page, and a program
        of that takes longer to begin."""
        with open(source, "rb") as file:
            data = file.read()
        with open(target, "wb") as file:
            file.write(data)
        os.chmod(target, 0o755)

    def build(self, given):
        if not given:
            say(f"building sysct in {self.build_dir}")
            if not os.path.exists(os.path.join(self.build_dir, "build.ninja")):
                run("meson", "setup", self.build_dir, REPO, "--buildtype=release", "-Dtests=false")
            run("ninja", "-C", self.build_dir)
        if not os.access(os.path.join(self.build_dir, "sysct"), os.X_OK):
            raise Failed(f"{self.build_dir} is not built: meson setup {self.build_dir} && ninja -C {self.build_dir}")
        os.mkdir(self.programs)
        for name in os.listdir(self.build_dir):
            if (name + "-").startswith("sysct-") and os.path.isfile(os.path.join(self.build_dir, name)):
                self.copy(os.path.join(self.build_dir, name), os.path.join(self.programs, name))
        cc = os.environ.get("CC", "cc").split()
        bare = ["-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-no-pie",
                "-fno-asynchronous-unwind-tables"]
        for name, more in (("init", bare), ("bare", ["-static", "-D_GNU_SOURCE"]), ("run", ["-static", "-D_GNU_SOURCE"])):
            run(*cc, "-O2", *more, "-o", self.path(name + ".linked"), os.path.join(SOURCES, name + ".c"))
            self.copy(self.path(name + ".linked"), self.path(name))

    def sysct(self, *argv, **more):
        return run(self.sysct_program, *argv, env=self.env, **more)

    def timed(self, *argv, pids=(), loops=(), env=None, check=True):
        """A command's (begin, end, gone) in nanoseconds of CLOCK_MONOTONIC, and what it printed; see run.c."""
        options = [word for pid in pids for word in ("--pid", str(pid))]
        options += [word for loop in loops for word in ("--loop", str(loop))]
        child = subprocess.Popen([self.path("run"), *options, "--", *argv], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                 env=env or self.env)
        try:
            out, err = child.communicate(timeout=300)
        except BaseException as why:
            signal_all(child, signal.SIGINT)
            try:
                child.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                signal_all(child, signal.SIGKILL)
            if isinstance(why, subprocess.TimeoutExpired):
                raise Failed(f"{' '.join(argv)}: not ready after 300 seconds") from None
            raise
        words = out.split()
        if len(words) != 4 or (check and words[3] != "0"):
            raise Failed(f"{' '.join(argv)}: {(err.strip().splitlines() or ['failed'])[-1]}")
        return int(words[0]), int(words[1]), int(words[2]), err

    # --- root file systems ---

    def tiny_rootfs(self):
        """A directory with our init and a static busybox, enough for every manager."""
        top = self.path("tiny")
        if os.path.exists(top):
            return top
        self.later(self.forget_images)
        busybox = shutil.which("busybox")
        if not busybox:
            raise Failed("there is no busybox: apt install busybox-static")
        for name in ("bin", "sbin", "usr", "lib", "etc", "dev", "proc", "sys", "run", "tmp", "var", "root", "mnt"):
            os.makedirs(os.path.join(top, name))
        shutil.copy(os.path.realpath(busybox), os.path.join(top, "bin", "busybox"))
        for name in ("sh", "true", "sleep"):
            os.symlink("busybox", os.path.join(top, "bin", name))
        shutil.copy(self.path("init"), os.path.join(top, "sbin", "init"))
        for name, text in (("passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("group", "root:x:0:\n"), ("hosts", ""),
                           ("os-release", 'NAME="bench"\nID=bench\nVERSION_ID=1\n')):
            with open(os.path.join(top, "etc", name), "w", encoding="ascii") as f:
                f.write(text)
        return top

    def tiny_archive(self):
        """The same for sysct, which builds an image of an archive once, and of a directory each time."""
        path = self.path("tiny.tar")
        if not os.path.exists(path):
            run("tar", "-C", self.tiny_rootfs(), "-cf", path, ".")
        return path

    def forget_images(self):
        """Of a root file system that goes with us nothing stays in a cache that stays."""
        top = os.path.join(self.cache, "images")
        for key in os.listdir(top):
            try:
                with open(os.path.join(top, key, "meta"), encoding="utf-8") as f:
                    mine = any(line.startswith("source=" + self.dir) for line in f)
            except OSError:
                continue
            if mine:
                shutil.rmtree(os.path.join(top, key))

    def image_of(self, directory, name, size="1G"):
        path = self.path(name)
        run("truncate", "-s", size, path)
        run("mke2fs", "-q", "-F", "-t", "ext4", "-d", directory, path)
        return path

    def tree_of(self, box, name):
        """The root file system of a stopped container of sysct as a directory of the host."""
        to = self.path(name)
        if not os.path.exists(to):
            image = os.path.join(self.env["SYSCT_STATE_DIR"], "containers", box, "rootfs.img")
            run("unshare", "--mount", "--propagation", "private", "sh", "-euc",
                'mkdir "$2"; mount -o loop,ro "$1" /mnt; cp -a /mnt/. "$2"', "sh", image, to)
        return to

    # --- the network of those that are not sysct ---

    def mtu(self):
        """As sysct gives it to its bridge: that of the link to the outside."""
        for route in json.loads(run("ip", "-j", "route", "show", "default")):
            with open(f"/sys/class/net/{route['dev']}/mtu", encoding="ascii") as f:
                return max(int(f.read()), 1280)
        return 1500

    def bridge(self):
        if self.has_bridge:
            return self.bridge_name
        taken = [ipaddress.ip_network(route["dst"]) for route in json.loads(run("ip", "-j", "-4", "route"))
                 if route["dst"] != "default"]
        free = [n for n in ipaddress.ip_network("198.18.0.0/15").subnets(new_prefix=20)
                if not any(n.overlaps(other) for other in taken)]
        if not free:
            raise Failed("all of 198.18.0.0/15 is in use")
        self.subnet = random.choice(free)
        run("ip", "link", "add", self.bridge_name, "type", "bridge")
        self.later(run, "ip", "link", "del", self.bridge_name)
        self.has_bridge = True
        run("ip", "link", "set", self.bridge_name, "mtu", str(self.mtu()))
        run("ip", "address", "add", f"{self.subnet[1]}/20", "dev", self.bridge_name)
        run("ip", "link", "set", self.bridge_name, "up")
        return self.bridge_name

    def address(self):
        self.bridge()
        self.given += 1
        return f"{self.subnet[self.given]}/20"


def first_instruction(pid):
    """When our init began, as it says itself; None while it has not."""
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            name = f.read().strip()
    except OSError:
        return None
    if len(name) != 14 or name[0] != "b":
        return None
    try:
        return int(name[1:], 16)
    except ValueError:
        return None


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def parent_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("PPid:"))


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def loop_of(image):
    """The number of the loop device that has this file, or None."""
    for name in os.listdir("/sys/block"):
        try:
            with open(f"/sys/block/{name}/loop/backing_file", encoding="utf-8") as f:
                if f.read().strip() == image:
                    return int(name[4:])
        except OSError:
            continue
    return None


def signals_as_interrupt():
    def stop(number, _frame):
        raise KeyboardInterrupt(number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
