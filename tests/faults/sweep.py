#!/usr/bin/env python3
"""Faults in commands of sysct, one at each of their system calls, and what must be true after each.

Run by scripts/faults and by tests; sysct is the one in PATH, with the installation that SYSCT_STATE_DIR, SYSCT_RUN_DIR and
SYSCT_CACHE_DIR name, and faults-inject (inject.c) does the fault. A fault is survived when

  - `list` works at once, and so does `info` of what it shows;
  - the same command then succeeds, or says rightly that it had taken effect; or another one cleans up before it. What was
    left is gone then, and who removed it has said so;
  - a file is as it was, or whole and new;
  - what was written in the container and synced before is there;
  - scripts/leak-check finds nothing at the end;
  - and a command that failed by an error, or by ^C, has said so in one line and left nothing to clean up.
"""
import argparse
import glob
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = int(os.environ.get("SYSCT_TEST_PATIENCE", "1"))
KEPT = "what was written and synced before"
ONE_LINE = re.compile(r"^sysct: [a-z]+ ")


class Broken(Exception):
    """A fault was not survived."""


def need(true, text):
    if not true:
        raise Broken(text)


class Host:
    """An installation: sysct with its directories, and what is on the host of it."""

    def __init__(self, tools, tmp, environment):
        self.inject = os.path.join(tools, "faults-inject")
        self.tiny = os.path.join(tools, "faults-init")
        self.tmp = tmp
        self.env = dict(os.environ, LC_ALL="C", **environment)
        self.state, self.run, self.cache = (self.env["SYSCT_%s_DIR" % d] for d in ("STATE", "RUN", "CACHE"))
        self.log = []
        os.makedirs(tmp, exist_ok=True)

    def call(self, argv, text=None, seconds=90, before=None):
        try:
            done = subprocess.run(argv, env=self.env, input=text, capture_output=True, timeout=seconds * PATIENCE,
                                  preexec_fn=before)
        except subprocess.TimeoutExpired as e:
            raise Broken("%s: not ready after %d s" % (" ".join(argv), seconds * PATIENCE)) from e
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        self.log.append("%s: status %d%s" % (" ".join(argv[:6]), done.returncode, ": " + err.strip() if err.strip() else ""))
        return done.returncode, out, err

    def sysct(self, *args, text=None):
        return self.call(["sysct", *args], text)

    def ok(self, *args, text=None, also=()):
        rc, out, err = self.sysct(*args, text=text)
        need(rc == 0 or rc in also, "sysct %s: status %d: %s" % (" ".join(args), rc, err.strip()))
        return rc, out, err

    def fault(self, fault, at, args, calls="change", helpers=False):
        """Runs the command with the fault; its result, and what the injector says."""
        report = os.path.join(self.tmp, "report")
        argv = [self.inject, "--report", report, "--calls", calls] + (["--helpers"] if helpers else [])
        argv += ["--at", str(at), "--fault", fault] if fault else []
        rc, out, err = self.call(argv + ["--", "sysct", *args], seconds=120)
        with open(report, encoding="utf-8") as f:
            said = json.load(f)
        need(not said["hung"], "%s hung" % args[0])
        return rc, out, err, said

    # -- what there is --

    def states(self):
        rc, out, err = self.sysct("list", "--format", "json")
        need(rc == 0, "list: status %d: %s" % (rc, err.strip()))
        try:
            return {box["name"]: box["state"] for box in json.loads(out)}
        except ValueError as e:
            raise Broken("list: no JSON: %s" % out[:200]) from e

    def looks(self):
        """list and info work, for all there are."""
        for name in self.states():
            rc, out, err = self.sysct("info", name, "--format", "json")
            # one that is being changed may be gone in between
            need(rc == 0 or name not in self.states(), "info %s: status %d: %s" % (name, rc, err.strip()))
            if rc == 0:
                box = json.loads(out)
                need(box["state"] != "broken" or "left over" in box["problem"], "%s is broken: %s" % (name, box.get("problem")))

    def settled(self, name):
        """Its state when nobody is about to change it: whoever was left alone in a start goes on, or gives up."""
        end = time.monotonic() + 30 * PATIENCE
        while True:
            state = self.states().get(name)
            if state == "broken":
                return "stopped"  # something is left over, see looks()
            if state not in ("starting", "stopping"):
                return state
            need(time.monotonic() < end, "%s is %s for ever" % (name, state))
            time.sleep(0.05)

    def has_supervisors(self, name):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    words = f.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            if "sysct-" in words[0] and name in words and self.run in words:
                return True
        return False

    def is_left_over(self, name):
        """There is something to clean up, and nobody who is at it: asked in this order, since who is at it may just end it."""
        return not self.has_supervisors(name) and self.states().get(name) == "broken"

    def box_dir(self, name):
        return os.path.join(self.state, "containers", name)

    def config(self, name):
        with open(os.path.join(self.box_dir(name), "config"), encoding="utf-8") as f:
            return f.read()

    def mark(self, name="mark"):
        rc, _, err = self.call(["sh", REPO + "/scripts/leak-check", "snapshot", os.path.join(self.tmp, name)])
        need(rc == 0, "leak-check: " + err)

    def unchanged(self, what, name="mark"):
        rc, out, err = self.call(["sh", REPO + "/scripts/leak-check", "compare", os.path.join(self.tmp, name), "--wait",
                                  str(LEAK_WAIT)])
        need(rc == 0, "%s: left on the host:\n%s%s" % (what, out, err))
        images = os.path.join(self.cache, "images")
        for entry in os.listdir(images) if os.path.isdir(images) else []:
            need(".partial" not in entry, "%s: left in the cache: %s" % (what, entry))

    def kept(self, name):
        rc, out, err = self.sysct("attach", "-T", name, "--", "cat", "/kept", text=b"")
        need(rc == 0 and out.strip() == KEPT, "data of %s is lost: status %d: %s%s" % (name, rc, out[:80], err.strip()))

    # -- boxes --

    def make(self, name):
        """A box with an init that costs nothing, and data in it; stopped."""
        self.ok("create", name, "--template", "busybox")
        self.ok("start", name, "--wait")
        with open(self.tiny, "rb") as f:
            self.ok("attach", "-T", name, "--", "sh", "-c",
                    "cat >/sbin/tiny && chmod 755 /sbin/tiny && echo '%s' >/kept && sync" % KEPT, text=f.read())
        self.ok("stop", "--now", name)
        self.ok("config", "set", name, "container.init=/sbin/tiny")

    def stopped(self, name):
        if self.settled(name) not in (None, "stopped") or os.path.exists(os.path.join(self.run, name)):
            self.ok("stop", "--now", name, also=(4,))

    def clean(self):
        """After a failure, as far as it goes."""
        try:
            for name in self.states():
                self.sysct("stop", "--now", name)
                self.sysct("destroy", "--force", name)
        except Broken:
            pass


# ---- the commands ------------------------------------------------------------------------------------------------------
class Scenario:
    """One command: how the host looks before it, and what must be true after a fault in it."""

    name = ""
    args = ()
    calls = "change"
    helpers = False
    box = "box"

    def __init__(self, host):
        self.host = host

    def setup(self):
        """Once."""

    def before(self):
        """Before each fault."""

    def after(self, run):
        """The same command then succeeds, or has taken effect."""
        raise NotImplementedError

    def teardown(self):
        """Once, at the end."""
        for name in self.host.states():
            self.host.ok("destroy", "--force", name)


class Run:
    """What a fault did: the command's result, where it was hit, and which of two ways to go on is taken."""

    def __init__(self, fault, at, result, said):
        self.fault, self.at, self.said = fault, at, said
        self.rc, self.out, self.err = result
        self.other_way = at % 2 == 1

    def clean_end(self):
        """It was not killed: so it has done all, or nothing. Without memory it ends as if it were (base/text.h)."""
        return self.fault not in ("kill", "kill-after", "tree") and "sysct: out of memory" not in self.err

    def failed(self):
        return self.rc != 0

    def check_words(self, scenario):
        """One line with what failed; ^C has its own status."""
        if not self.clean_end() or not self.failed():
            return
        if self.rc == 139 and self.said.get("call") == "mmap" and not self.err:
            return  # the C library's, which had no memory for its own beginning
        need(self.rc not in (124, 134, 139), "ended with status %d: %s" % (self.rc, self.err[-300:]))
        if self.fault == "int":
            need(self.rc == 130, "status %d instead of 130: %s" % (self.rc, self.err.strip()))
        if self.said.get("call") in ("execve",) and self.said.get("depth") == 0:
            return  # it was never executed
        lines = [line for line in self.err.splitlines() if ONE_LINE.match(line)]
        # before its first instructions there is nobody who could say anything
        need(len(lines) == 1 or (self.fault == "int" and not self.err) or "out of memory" in self.err or
             "error while loading shared libraries" in self.err,
             "%s failed with status %d and said %d lines of error: %s" % (scenario.name, self.rc, len(lines), self.err))


def says_cleaned(host, scenario, name, left_over, err):
    need(not left_over or "cleaned up" in err, "%s: something was left of %s, and the next command does not say so: %s" %
         (scenario.name, name, err))


class Start(Scenario):
    name = "start"
    args = ("start", "box")

    def setup(self):
        self.host.make(self.box)
        self.host.mark()

    def before(self):
        self.host.stopped(self.box)

    def after(self, run):
        host, box = self.host, self.box
        state = host.settled(box)
        if run.clean_end() and run.failed():
            need(state == "stopped", "start failed (%s), and it is %s" % (run.err.strip(), state))
            host.unchanged("after a failed start")
        if run.clean_end() and not run.failed():
            need(state == "running", "start succeeded, and it is %s" % state)
        left_over = host.is_left_over(box)
        if run.other_way:
            _, _, err = host.ok("stop", "--now", box, also=(4,))
            says_cleaned(host, self, box, left_over, err)
            host.unchanged("after stop")
            left_over = False
        rc, _, err = host.ok("start", box, also=(4,))
        need((rc == 4) == (state == "running" and not run.other_way), "start again: status %d, it was %s" % (rc, state))
        says_cleaned(host, self, box, left_over, err)
        need(host.settled(box) == "running", "it does not run")
        host.kept(box)
        host.ok("stop", "--now", box)
        host.unchanged("after start and stop")


class FirstStart(Start):
    """Of a host that has nothing yet: bridge, rules, name server are made."""

    name = "start (first)"

    def setup(self):
        pass

    def before(self):
        for name in self.host.states():
            self.host.ok("destroy", "--force", name)
        self.host.mark("empty")
        self.host.ok("create", self.box, "--template", "busybox", "--set", "container.stop_timeout=0s")

    def after(self, run):
        host, box = self.host, self.box
        state = host.settled(box)
        if run.clean_end() and run.failed():
            need(state == "stopped", "start failed (%s), and it is %s" % (run.err.strip(), state))
        left_over = host.is_left_over(box)
        if run.other_way:
            _, _, err = host.ok("stop", "--now", box, also=(4,))
            says_cleaned(host, self, box, left_over, err)
        else:
            rc, _, err = host.ok("start", box, also=(4,))
            need((rc == 4) == (state == "running"), "start again: status %d, it was %s" % (rc, state))
            says_cleaned(host, self, box, left_over, err)
            rc, out, err = host.sysct("attach", "-T", box, "--", "sh", "-c", "ip -4 address show dev eth0", text=b"")
            need(rc == 0 and "inet " in out, "no address: %s%s" % (out, err))
        host.ok("destroy", "--force", box)
        host.unchanged("after destroy", "empty")


class Stop(Scenario):
    name = "stop"
    args = ("stop", "box")

    def setup(self):
        self.host.make(self.box)
        self.host.mark()

    def before(self):
        if self.host.settled(self.box) != "running":
            self.host.ok("start", self.box)

    def after(self, run):
        host, box = self.host, self.box
        state = host.settled(box)
        if run.clean_end() and not run.failed():
            need(state == "stopped", "stop succeeded, and it is %s" % state)
            host.unchanged("after a stop")
        left_over = host.is_left_over(box)
        if run.other_way and state == "stopped":
            _, _, err = host.ok("start", box)
            says_cleaned(host, self, box, left_over, err)
            host.kept(box)
            host.ok(*self.args)
            host.unchanged("after start and stop")
            return
        rc, _, err = host.ok(*self.args, also=(4,))
        need((rc == 4) == (state == "stopped"), "stop again: status %d, it was %s" % (rc, state))
        says_cleaned(host, self, box, left_over, err)
        host.unchanged("after stop")
        host.ok("start", box)
        host.kept(box)


class StopNow(Stop):
    name = "stop --now"
    args = ("stop", "--now", "box")


class Restart(Stop):
    name = "restart"
    args = ("restart", "box")

    def after(self, run):
        host, box = self.host, self.box
        state = host.settled(box)
        if run.clean_end() and not run.failed():
            need(state == "running", "restart succeeded, and it is %s" % state)
        left_over = host.is_left_over(box)
        if state == "running":
            host.ok("restart", box)
        else:
            _, _, err = host.ok("start", box)
            says_cleaned(host, self, box, left_over, err)
        host.kept(box)
        if run.other_way:
            host.ok("stop", "--now", box)
            host.unchanged("after restart and stop")


class ConfigSet(Scenario):
    name = "config set"
    args = ("config", "set", "box", "limits.memory=200M", "container.description=new")
    old = ("config", "set", "box", "limits.memory=100M", "container.description=old")
    running = False

    def setup(self):
        host = self.host
        host.make(self.box)
        host.ok(*self.args)
        self.new_text = host.config(self.box)
        host.ok(*self.old)
        self.old_text = host.config(self.box)
        host.mark()
        if self.running:
            host.ok("start", self.box)
            host.mark("running")

    def before(self):
        self.host.ok(*self.old)

    def limit(self):
        """Of memory, in the cgroup: MiB."""
        _, out, _ = self.host.ok("info", self.box, "--format", "json")
        uuid = json.loads(out)["uuid"]
        limits = []
        for root in ("", "memory/"):
            for file in glob.glob("/sys/fs/cgroup/%ssysct*/%s/memory.*" % (root, uuid)):
                if os.path.basename(file) in ("memory.max", "memory.limit_in_bytes"):
                    with open(file, encoding="ascii") as f:
                        limits.append(f.read().strip())
        need(limits, "no limit of memory in the cgroup")
        return min(int(limit) >> 20 for limit in limits if limit != "max")

    def after(self, run):
        host, box = self.host, self.box
        text = host.config(box)
        need(text in (self.old_text, self.new_text), "the configuration is neither old nor new:\n" + text)
        if run.clean_end() and not run.failed():
            need(text == self.new_text, "config set succeeded, and the configuration is the old one")
        if run.clean_end() and run.failed():
            host.unchanged("after a config set that failed", "running" if self.running else "mark")
        host.ok("config", "check", box)
        host.ok(*self.args)
        need(host.config(box) == self.new_text, "the configuration is not the new one")
        if self.running:
            limit = self.limit()
            need(limit == 200, "the limit of memory is %d MiB, not 200" % limit)
        host.unchanged("after config set", "running" if self.running else "mark")


class ConfigLive(ConfigSet):
    name = "config set (running)"
    running = True

    def after(self, run):
        super().after(run)
        self.host.kept(self.box)


class Destroy(Scenario):
    name = "destroy"
    args = ("destroy", "gone")
    box = "gone"
    forced = False

    def setup(self):
        self.host.make("box")
        self.host.mark()

    def before(self):
        if self.box not in self.host.states():
            self.host.ok("create", self.box, "--template", "busybox")
        if self.forced:
            self.host.ok("start", self.box, also=(4,))

    def after(self, run):
        host, box = self.host, self.box
        there = box in host.states()
        if run.clean_end() and not run.failed():
            need(not there, "destroy succeeded, and it is there")
            host.unchanged("after destroy")
        if run.fault == "int" and run.failed() and not self.forced:
            need(there, "destroy was interrupted, and it is gone")
        if there:
            host.settled(box)
            host.ok("start", box, also=(4,) if self.forced else ())
            host.ok("attach", "-T", box, "--", "true", text=b"")
            host.ok("stop", "--now", box)
        else:
            rc, _, _ = host.sysct(*self.args)
            need(rc == 3, "destroy of what is gone: status %d" % rc)
            trash = [e for e in os.listdir(os.path.join(host.state, "containers")) if e.startswith(".")]
            _, _, err = host.ok("create", box, "--template", "busybox")
            need(not trash or "removed" in err, "create does not say that it removed %s: %s" % (trash, err))
        host.ok("destroy", box)
        host.unchanged("after destroy")


class DestroyForced(Destroy):
    name = "destroy --force"
    args = ("destroy", "--force", "gone")
    forced = True


class LastDestroy(FirstStart):
    """Of the last container: what all share goes with it."""

    name = "destroy (last)"
    args = ("destroy", "box")

    def before(self):
        super().before()
        self.host.ok("start", self.box)
        self.host.ok("stop", "--now", self.box)

    def after(self, run):
        host, box = self.host, self.box
        there = box in host.states()
        if run.clean_end() and not run.failed():
            need(not there, "destroy succeeded, and it is there")
            host.unchanged("after destroy", "empty")
        if there:
            host.ok("start", box)
        else:
            host.ok("create", box, "--template", "busybox")
        host.ok("destroy", "--force", box)
        host.unchanged("after destroy", "empty")


class Create(Scenario):
    name = "create"
    args = ("create", "fresh", "--template", "busybox")
    box = "fresh"
    cold = False

    def setup(self):
        self.host.make("box")
        self.host.mark()

    def before(self):
        if self.box in self.host.states():
            self.host.ok("destroy", self.box)
        if self.cold:  # other images are somebody's who keeps the cache
            _, out, _ = self.host.ok("image", "list", "--format", "json")
            for image in json.loads(out):
                if image["template"] == "busybox":
                    shutil.rmtree(os.path.join(self.host.cache, "images", image["key"]))

    def after(self, run):
        host, box = self.host, self.box
        there = box in host.states()
        if run.clean_end():
            need(there == (not run.failed()), "create ended with status %d, and the container is %s: %s" %
                 (run.rc, "there" if there else "not there", run.err.strip()))
        if run.clean_end() and run.failed():
            host.unchanged("after a create that failed")
        left = [e for e in os.listdir(os.path.join(host.state, "containers")) if e.startswith(".")]
        rc, _, err = host.ok(*self.args, also=(4,))
        need((rc == 4) == there, "create again: status %d, and it was %s" % (rc, "there" if there else "not there"))
        if left and not there:
            need("removed" in err, "create does not say that it removed %s: %s" % (left, err))
        if run.other_way or there:
            host.ok("start", box)
            host.ok("attach", "-T", box, "--", "true", text=b"")
            host.ok("stop", "--now", box)
        host.ok("destroy", box)
        host.unchanged("after create and destroy")


class CreateCold(Create):
    """Nothing in the cache: the image is built."""

    name = "create (no cache)"
    cold = True


class CreateHelpers(CreateCold):
    """... and what it executes is hit too: the template, mke2fs."""

    name = "create (its tools)"
    helpers = True


SCENARIOS = (Start, FirstStart, Stop, StopNow, Restart, Destroy, DestroyForced, LastDestroy, ConfigSet, ConfigLive, Create,
             CreateCold, CreateHelpers)
FAULTS = ("kill", "kill-after", "tree", "int", "error")


# ---- limits ------------------------------------------------------------------------------------------------------------
class Limit:
    """Something that there is too little of while the command runs: `much` of it. Each has a list of amounts to try."""

    name = ""
    amounts = ()

    def __init__(self, host):
        self.host = host

    def run(self, args, much):
        raise NotImplementedError

    @staticmethod
    def limited(what, much):
        return lambda: resource.setrlimit(what, (much, much))


class Files(Limit):
    name = "descriptors"
    amounts = (3, 4, 5, 8, 12, 20, 40, 63, 64, 80)

    def run(self, args, much):
        return self.host.call(["sysct", *args], before=self.limited(resource.RLIMIT_NOFILE, much))


class Memory(Limit):
    """Of addresses, KiB above what the program itself takes: below that it cannot be executed at all."""

    name = "memory"
    amounts = (0, 40, 80, 120, 160, 200, 300, 400, 600, 800, 1200, 2000, 4000)
    program = 0

    def starts(self, much):
        rc, _, _ = self.host.call(["sysct", "--version"], before=self.limited(resource.RLIMIT_AS, much << 10))
        return rc == 0

    def run(self, args, much):
        if not self.program:
            low, high = 1000, 1 << 20  # the second one is enough for whatever it is linked to
            while high - low > 16:
                middle = (low + high) // 2
                low, high = (low, middle) if self.starts(middle) else (middle, high)
            Memory.program = high
        return self.host.call(["sysct", *args], before=self.limited(resource.RLIMIT_AS, (self.program + much) << 10))


class Disk(Limit):
    """Room on the file system of one of the three directories, in blocks of 4 KiB."""

    amounts = (0, 1, 2, 3, 4, 6, 8, 16, 64, 512)
    where = ""

    def run(self, args, much):
        directory = getattr(self.host, self.where)
        st = os.statvfs(directory)
        free = st.f_bavail * st.f_frsize // 4096 - much
        ballast = os.path.join(directory, ".ballast")
        try:
            with open(ballast, "wb") as f:
                if free > 0:
                    os.posix_fallocate(f.fileno(), 0, free * 4096)
            return self.host.call(["sysct", *args])
        finally:
            os.unlink(ballast)


class DiskState(Disk):
    name, where = "disk of the state", "state"


class DiskRun(Disk):
    name, where = "disk of the run directory", "run"


class DiskCache(Disk):
    name, where = "disk of the cache", "cache"


class ReadOnly(Limit):
    """A file system that cannot be written; of which directory, is the amount."""

    name = "read-only"
    amounts = ("state", "run", "cache")

    def run(self, args, much):
        directory = getattr(self.host, much)
        command(["mount", "--bind", directory, directory])
        try:
            command(["mount", "-o", "remount,bind,ro", directory])
            return self.host.call(["sysct", *args])
        finally:
            command(["umount", "-l", directory])


LIMITS = (Files, Memory, DiskState, DiskRun, DiskCache, ReadOnly)


def command(argv):
    subprocess.run(argv, check=True)


class Places:
    """Each of the three directories on a small file system of its own, while this is open."""

    def __init__(self, host):
        self.host = host

    def __enter__(self):
        for directory in (self.host.state, self.host.run, self.host.cache):
            os.makedirs(directory, 0o755, exist_ok=True)
            command(["mount", "-t", "tmpfs", "-o", "size=256m,mode=755", "sysct-faults", directory])

    def __exit__(self, *_):
        for directory in (self.host.state, self.host.run, self.host.cache):
            command(["umount", directory])


def one_limit(scenario, limit, much):
    host = scenario.host
    host.log.clear()
    where = "%s: %s: %s" % (scenario.name, limit.name, much)
    try:
        scenario.before()
        rc, out, err = limit.run(scenario.args, much)
        run = Run("limit", hash(much) % 2, (rc, out, err), {})
        host.looks()
        run.check_words(scenario)
        scenario.after(run)
        if VERBOSE:
            print("ok   %s: status %d: %s" % (where, rc, err.strip().replace("\n", "; ")), flush=True)
        return True
    except Broken as e:
        print("FAIL %s\n  %s\n  %s" % (where, str(e).replace("\n", "\n  "), "\n  ".join(host.log[-14:])), flush=True)
        return False


def limits(host, classes, number, seed, counts):
    plan = [(cls, kind, much) for cls in classes for kind in LIMITS for much in kind.amounts]
    if number:
        plan = sorted(random.Random(seed).sample(plan, min(number, len(plan))), key=lambda p: classes.index(p[0]))
    with Places(host):
        scenario = None
        for cls, kind, much in plan:
            if not isinstance(scenario, cls) or type(scenario) is not cls:
                if scenario:
                    scenario.teardown()
                scenario = cls(host)
                scenario.setup()
            result = one_limit(scenario, kind(host), much)
            count = counts.setdefault((scenario.name, kind.name), Count())
            count.tried += 1
            count.survived += result
            if not result:
                renew(scenario)
        if scenario:
            scenario.teardown()


# ---- the sweep ---------------------------------------------------------------------------------------------------------
class Count:
    def __init__(self):
        self.tried = self.survived = 0


def one(scenario, fault, at):
    """True, False: survived or not. None: the command has fewer calls."""
    host = scenario.host
    host.log.clear()
    where = "%s: %s at call %d" % (scenario.name, fault, at)
    try:
        scenario.before()
        rc, out, err, said = host.fault(fault, at, scenario.args, calls_of(scenario, fault), scenario.helpers)
        if not said["hit"]:
            need(rc == 0, "without a fault: status %d: %s" % (rc, err.strip()))
            return None
        where += ": %s %s (%s %d%s)" % (said["call"], said["path"], said["program"], said["depth"],
                                        ", " + said["error"] if "error" in said else "")
        run = Run(fault, at, (rc, out, err), said)
        host.looks()
        run.check_words(scenario)
        scenario.after(run)
        if VERBOSE:
            print("ok   " + where, flush=True)
        return True
    except Broken as e:
        print("FAIL %s\n  %s\n  %s" % (where, str(e).replace("\n", "\n  "), "\n  ".join(host.log[-14:])), flush=True)
        return False


def calls_of(scenario, fault):
    # of tools: what they read and take is their own affair, and there are very many of such calls
    return "change,take,read" if fault == "error" and not scenario.helpers else scenario.calls


def renew(scenario):
    """After a failure, from the beginning."""
    scenario.host.clean()
    try:
        scenario.setup()
    except Broken as e:
        raise Broken("cannot go on: %s" % e) from e


def count_calls(scenario, fault):
    scenario.before()
    rc, _, err, said = scenario.host.fault(None, 0, scenario.args, calls_of(scenario, fault), scenario.helpers)
    need(rc == 0, "%s fails without a fault: status %d: %s" % (scenario.name, rc, err.strip()))
    return said["calls"]


def sweep(scenario, plan, counts, ready=False):
    """plan: (fault, at) in any order; at None: all. ready: it is set up already."""
    if not ready:
        scenario.setup()
    for fault, at in plan:
        numbers = [at] if at else [FROM] if ONCE else range(FROM, 100000, STEP)
        for n in numbers:
            result = one(scenario, fault, n)
            if result is None:
                break
            count = counts.setdefault((scenario.name, fault), Count())
            count.tried += 1
            count.survived += result
            if not result:
                renew(scenario)
    scenario.teardown()


def sample(hosts, classes, faults, number, seed, counts):
    """Some of all, at random; each command's count of calls is looked up first, so each fault is as likely as another."""
    chosen = []
    rng = random.Random(seed)
    turns = rng.sample(classes, len(classes))
    for i in range(number):
        chosen.append((turns[i % len(turns)], rng.choice(faults), rng.random()))
    for cls in classes:
        scenario = cls(hosts)
        plan = [(fault, where) for c, fault, where in chosen if c is cls]
        if not plan:
            continue
        scenario.setup()
        calls = {fault: count_calls(scenario, fault) for fault in {calls_of(scenario, f): f for f, _ in plan}.values()}
        by_kind = {calls_of(scenario, f): n for f, n in calls.items()}
        sweep(scenario, [(f, 1 + int(where * by_kind[calls_of(scenario, f)])) for f, where in plan], counts, True)


def table(counts):
    print("\n%-22s %-26s %7s %9s" % ("COMMAND", "FAULT", "TRIED", "SURVIVED"))
    for (name, fault), count in counts.items():
        print("%-22s %-26s %7d %9d" % (name, fault, count.tried, count.survived))
    tried, survived = sum(c.tried for c in counts.values()), sum(c.survived for c in counts.values())
    print("%-22s %-26s %7d %9d" % ("all", "", tried, survived))
    return tried > 0 and tried == survived


def words(text, known, what):
    chosen = text.split(",") if text else list(known)
    for word in chosen:
        if word not in known:
            sys.exit("faults: \"%s\" is no %s; there are: %s" % (word, what, ", ".join(known)))
    return chosen


def main():
    global VERBOSE, FROM, STEP, ONCE, LEAK_WAIT
    parser = argparse.ArgumentParser(prog="scripts/faults", description="Faults at the system calls of sysct's commands.")
    parser.add_argument("--commands", help="some of: " + ", ".join(s.name for s in SCENARIOS))
    parser.add_argument("--faults", help="some of: " + ", ".join(FAULTS) + " (all)")
    parser.add_argument("--sample", type=int, metavar="N", help="about N faults at random instead of all")
    parser.add_argument("--seed", type=int, help="of the sample, to repeat it")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="N", help="begin with the N-th call")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="each N-th call only")
    parser.add_argument("--leak-wait", type=int, default=10, metavar="S", help="how long something may be on its way out")
    parser.add_argument("--once", action="store_true", help="the call of --from alone")
    parser.add_argument("--limits", action="store_true", help="what there may be too little of: " +
                        ", ".join(l.name for l in LIMITS))
    parser.add_argument("--verbose", action="store_true", help="say each fault")
    args = parser.parse_args()
    VERBOSE, FROM, STEP, ONCE, LEAK_WAIT = args.verbose, args.first, args.step, args.once, args.leak_wait
    by_name = {s.name: s for s in SCENARIOS}
    classes = [by_name[n] for n in words(args.commands, by_name, "command")]
    faults = words(args.faults, FAULTS, "fault")
    host = Host(os.environ["SYSCT_FAULTS_TOOLS"], os.environ["SYSCT_FAULTS_TMP"], {})
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    counts = {}
    begin = time.monotonic()
    try:
        if args.limits:
            if not args.commands:
                classes = [Start, StopNow, Destroy, ConfigSet, ConfigLive, Create, CreateCold]
            seed = args.seed if args.seed is not None else random.SystemRandom().randrange(1 << 32)
            if args.sample:
                print("# --limits --sample %d --seed %d" % (args.sample, seed), flush=True)
            limits(host, classes, args.sample, seed, counts)
        elif args.sample:
            seed = args.seed if args.seed is not None else random.SystemRandom().randrange(1 << 32)
            print("# --sample %d --seed %d" % (args.sample, seed), flush=True)
            sample(host, classes, faults, args.sample, seed, counts)
        else:
            for cls in classes:
                sweep(cls(host), [(fault, None) for fault in faults], counts)
    except Broken as e:
        print("FAIL %s\n  %s" % (e, "\n  ".join(host.log[-14:])))
        host.clean()
        table(counts)
        return 1
    except KeyboardInterrupt:  # the rest is not tried
        host.clean()
        print("# interrupted after %d s" % (time.monotonic() - begin))
        table(counts)
        return 130
    good = table(counts)
    print("# %d s" % (time.monotonic() - begin))
    return 0 if good else 1


VERBOSE, FROM, STEP, ONCE, LEAK_WAIT = False, 1, 1, False, 10

if __name__ == "__main__":
    sys.exit(main())
