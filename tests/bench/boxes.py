# SPDX-License-Identifier: LGPL-2.1-or-later
"""Those who are compared. Each makes containers of the same root file system, and starts, enters and stops them."""

import glob
import os
import shutil
import signal
import subprocess
import time

from host import Failed, children_of, first_instruction, have, loop_of, parent_of, pss_kib, run


def wait_for(what, call, seconds=20):
    end = time.monotonic() + seconds
    while True:
        got = call()
        if got is not None:
            return got
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} seconds")
        time.sleep(0.002)


class Subject:
    """Times are nanoseconds. missing() is why it cannot take part, or None."""

    key = title = ""

    def __init__(self, host):
        self.host = host

    def missing(self):
        return None

    def add(self, name):
        """A container of the tiny root file system."""

    def start(self, name):
        """Begin, first instruction of its init, return of the command (None: it does not return)."""

    def attach(self, name, program):
        """How long it takes to run it inside."""

    def stop(self, name):
        """How long until the command returns, and until nothing is left: process, mount, loop device."""

    def managers(self, name):
        """The processes of the manager for this one container."""
        return []

    def memory(self, name):
        pids = self.managers(name)
        return sum(pss_kib(pid) for pid in pids) if pids else None

    def drop(self, name):
        """It is not needed any more."""


class Bare(Subject):
    key, title = "bare", "bare program"

    def __init__(self, host):
        super().__init__(host)
        self.links = 0
        self.image = None
        self.running = {}
        self.images = {}

    def add(self, name):
        if not self.image:
            self.image = self.host.image_of(self.host.tiny_rootfs(), "bare.img")
        self.images[name] = self.host.path(f"bare-{name}.img")
        run("cp", "--sparse=always", self.image, self.images[name])

    def start(self, name):
        self.links += 1
        begin, end, _, out = self.host.timed(self.host.path("bare"), "up", self.images[name], self.host.bridge(),
                                             f"b{self.host.id}-{self.links}", self.host.address(), "/sbin/init")
        pid, loop = (int(word) for word in out.split()[-2:])
        self.running[name] = pid, loop
        self.host.later(self.forget, name)
        return begin, wait_for("bare program", lambda: first_instruction(pid)), end

    def attach(self, name, program):
        begin, end, _, _ = self.host.timed(self.host.path("bare"), "in", str(self.running[name][0]), program)
        return end - begin

    def stop(self, name):
        pid, loop = self.running[name]
        begin, end, gone, _ = self.host.timed(self.host.path("bare"), "down", str(pid), str(loop), pids=[pid], loops=[loop])
        del self.running[name]
        return end - begin, gone - begin

    def forget(self, name):
        if name in self.running:
            self.stop(name)

    def drop(self, name):
        self.forget(name)
        os.unlink(self.images.pop(name))


class Sysct(Subject):
    key, title = "sysct", "sysct"

    def __init__(self, host):
        super().__init__(host)
        self.registered = False
        self.boxes = os.path.join(host.env["SYSCT_STATE_DIR"], "containers")

    def remove_all(self):
        names = [os.path.basename(path) for path in glob.glob(self.boxes + "/*")]
        if names:
            self.host.sysct("destroy", "--force", *names, check=False)
        if glob.glob(self.boxes + "/*"):
            raise Failed(f"containers are left in {self.boxes}")

    def create(self, name, *argv, **more):
        if not self.registered:
            self.registered = True
            self.host.later(self.remove_all)
        self.host.sysct("create", name, *argv, **more)

    def add(self, name):
        self.create(name, "--template", "tarball", "--source", self.host.tiny_archive())

    def state(self, name):
        with open(os.path.join(self.host.rundir, name, "state"), encoding="utf-8") as f:
            return dict(line.rstrip("\n").split("=", 1) for line in f)

    def pid(self, name, which="init"):
        return int(self.state(name)[which].split(":")[0])

    def loop(self, name):
        return int(self.state(name)["step.loop"].split()[0])

    def start(self, name, *more):
        begin, end, _, _ = self.host.timed(self.host.sysct_program, "start", name, *more)
        return begin, wait_for(f"sysct {name}", lambda: first_instruction(self.pid(name))), end

    def enter(self, name, *command):
        return [self.host.sysct_program, "attach", "-T", name, "--", *command]

    def attach(self, name, program):
        begin, end, _, _ = self.host.timed(*self.enter(name, program))
        return end - begin

    def managers(self, name):
        return [self.pid(name, "holder"), self.pid(name, "monitor")]

    def stop(self, name):
        begin, end, gone, _ = self.host.timed(self.host.sysct_program, "stop", name, loops=[self.loop(name)],
                                              pids=[self.pid(name), *self.managers(name)])
        return end - begin, gone - begin

    def drop(self, name):
        self.host.sysct("destroy", "--force", name)


class Lxc(Subject):
    """As Debian's lxc makes a container for root: privileged, with its filter, capabilities and device list."""

    def __init__(self, host, kind="dir"):
        super().__init__(host)
        self.kind = kind
        self.key = "lxc" if kind == "dir" else "lxc-loop"
        self.title = "LXC" if kind == "dir" else "LXC on a loop"
        self.place = host.path(self.key)
        self.image = None

    def missing(self):
        return None if have("lxc-start") else "LXC is not installed (apt install lxc)"

    def name(self, name):
        return f"bench{self.host.id}-{'d' if self.kind == 'dir' else 'l'}-{name}"

    def where(self, name):
        return os.path.join(self.place, self.name(name))

    def configure(self, name, root, *more):
        lines = ["lxc.include = /usr/share/lxc/config/common.conf", f"lxc.rootfs.path = {root}", f"lxc.uts.name = {name}",
                 "lxc.net.0.type = veth", f"lxc.net.0.link = {self.host.bridge()}", "lxc.net.0.flags = up",
                 f"lxc.net.0.mtu = {self.host.mtu()}",
                 f"lxc.net.0.ipv4.address = {self.host.address()}", "lxc.net.0.ipv4.gateway = auto", *more]
        if not os.path.isdir("/sys/kernel/security/apparmor"):
            lines.append("lxc.apparmor.profile = unconfined")
        with open(os.path.join(self.where(name), "config"), "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        self.host.later(self.kill, name)

    def add_tree(self, name, tree, size="1G"):
        where = self.where(name)
        os.makedirs(where)
        if self.kind == "dir":
            run("cp", "-a", tree, where + "/rootfs")
            self.configure(name, f"dir:{where}/rootfs")
        else:
            run("truncate", "-s", size, where + "/rootfs.img")
            run("mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=0", "-d", tree, where + "/rootfs.img")
            self.configure(name, f"loop:{where}/rootfs.img")

    def add(self, name):
        self.add_tree(name, self.host.tiny_rootfs())

    def command(self, command, name, *more):
        return [command, "-P", self.place, "-n", self.name(name), *more]

    def pid(self, name):
        text = run(*self.command("lxc-info", name, "-p", "-H"), check=False).strip()
        return int(text) if text.isdigit() and int(text) > 0 else None

    def loop(self, name):
        return loop_of(self.where(name) + "/rootfs.img") if self.kind == "loop" else None

    def start(self, name):
        begin, end, _, _ = self.host.timed(*self.command("lxc-start", name))
        pid = wait_for(f"{self.title} {name}", lambda: self.pid(name))
        return begin, wait_for(f"{self.title} {name}", lambda: first_instruction(pid)), end

    def enter(self, name, *command):
        return self.command("lxc-attach", name, "--", *command)

    def attach(self, name, program):
        begin, end, _, _ = self.host.timed(*self.enter(name, program))
        return end - begin

    def managers(self, name):
        return [parent_of(self.pid(name))]

    def stop(self, name):
        loop = self.loop(name)
        begin, end, gone, _ = self.host.timed(*self.command("lxc-stop", name), loops=[] if loop is None else [loop],
                                              pids=[self.pid(name), *self.managers(name)])
        return end - begin, gone - begin

    def kill(self, name):
        if os.path.exists(self.where(name)) and self.pid(name):
            run(*self.command("lxc-stop", name, "-k"))

    def drop(self, name):
        self.kill(name)
        shutil.rmtree(self.where(name))


class Nspawn(Subject):
    """systemd-nspawn of a directory, as it is without systemd on the host: no machined, no unit. It stays in the foreground."""

    key, title = "nspawn", "nspawn"

    def __init__(self, host):
        super().__init__(host)
        self.running = {}

    def missing(self):
        return None if have("systemd-nspawn") else "systemd-nspawn is not installed (apt install systemd-container)"

    def where(self, name):
        return self.host.path("nspawn", name)

    def add(self, name):
        os.makedirs(self.host.path("nspawn"), exist_ok=True)
        run("cp", "-a", self.host.tiny_rootfs(), self.where(name))

    def start(self, name):
        child = subprocess.Popen(
            [self.host.path("run"), "--stay", "--", "systemd-nspawn", "-q", "-D", self.where(name),
             f"--machine=b{self.host.id}{name}", "--register=no", "--keep-unit", f"--network-bridge={self.host.bridge()}",
             "--kill-signal=SIGTERM", "/sbin/init"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        self.running[name] = child
        self.host.later(self.forget, name)
        begin = int(child.stdout.readline())

        def init():
            if child.poll() is not None:
                raise Failed(f"systemd-nspawn ended with status {child.returncode}")
            return next((pid for pid in children_of(child.pid) if first_instruction(pid)), None)
        self.init = wait_for("systemd-nspawn", init)
        child.bench_init = self.init
        return begin, first_instruction(self.init), None

    def attach(self, name, program):
        begin, end, _, _ = self.host.timed("nsenter", "-a", "-t", str(self.running[name].bench_init), program)
        return end - begin

    def managers(self, name):
        return [self.running[name].pid]

    def stop(self, name):
        child = self.running.pop(name)
        begin, _, gone, _ = self.host.timed("kill", "-TERM", str(child.pid), pids=[child.pid, child.bench_init])
        child.wait()
        return None, gone - begin

    def forget(self, name):
        child = self.running.pop(name, None)
        if child:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def drop(self, name):
        self.forget(name)
        shutil.rmtree(self.where(name))


def all_subjects(host):
    return [Bare(host), Sysct(host), Lxc(host, "dir"), Lxc(host, "loop"), Nspawn(host)]
