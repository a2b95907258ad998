# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/bench measures from outside. All subjects take turns, A B C A B C, after one round that does not count."""

import os
import shutil
import statistics
import time

from boxes import Lxc, Sysct
from host import Failed, have, pss_kib, run, say
from report import Table

MS = 1e6
SETTLE = 0.3  # seconds after a start, so that what follows is not measured while the start's rest is being done


class Turns:
    """Subjects by turns; who fails is told and does not take part any more."""

    def __init__(self, subjects, what):
        self.subjects, self.what = list(subjects), what

    def each(self, call, first=0):
        """first: who begins, so that nobody always comes after the same one."""
        first %= max(len(self.subjects), 1)
        for subject in self.subjects[first:] + self.subjects[:first]:
            try:
                call(subject)
            except Failed as why:
                say(f"{self.what}: {subject.title} is left out: {why}")
                self.subjects.remove(subject)


def columns(subjects):
    return [(subject.key, subject.title) for subject in subjects]


def life(_host, subjects, options):
    table = Table("One container's life", columns(subjects))
    first = table.row("start to init's first instruction", "ms", "2 x bare, 1/5 of LXC on a loop",
                      lambda m: m["sysct"] <= 2 * m["bare"] and m["sysct"] <= m["lxc-loop"] / 5)
    cli = table.row("start to the command's return", "ms")
    after = table.row("from one to the other", "ms", "2 ms", lambda m: m["sysct"] <= 2)
    # its program is read from the image, which was mounted anew; the second time it is in memory, as on a container in use
    attach_first = table.row("run `true` inside, the first time", "ms")
    attach = table.row("run `true` inside", "ms", "2.5 ms, 1/3 of LXC",
                       lambda m: m["sysct"] <= 2.5 and m["sysct"] <= m["lxc"] / 3)
    # that `true` is busybox's, and half of its time the start of its C library; this one has none
    nothing = table.row("run a program without a C library inside", "ms")
    stop = table.row("stop, until the command returns", "ms")
    gone = table.row("stop, until nothing is left", "ms", "1.5 x bare", lambda m: m["sysct"] <= 1.5 * m["bare"])
    memory = table.row("memory of the manager (PSS)", "KiB", "450 KiB", lambda m: m["sysct"] <= 450)
    turns = Turns(subjects, "start and stop")
    turns.each(lambda s: s.add("life"))
    for number in range(options.rounds + 1):
        def turn(s, counts=number > 0):
            begin, init, end = s.start("life")
            time.sleep(SETTLE)
            entered = [s.attach("life", program) for program in ("/bin/true", "/bin/true", "/sbin/init")]
            kib = s.memory("life")
            returned, left = s.stop("life")
            if not counts:
                return
            first.add(s.key, (init - begin) / MS)
            if end is not None:
                cli.add(s.key, (end - begin) / MS)
                after.add(s.key, (end - init) / MS)
            attach_first.add(s.key, entered[0] / MS)
            attach.add(s.key, entered[1] / MS)
            nothing.add(s.key, entered[2] / MS)
            if returned is not None:
                stop.add(s.key, returned / MS)
            gone.add(s.key, left / MS)
            memory.add(s.key, kib)
        turns.each(turn, number)
    for s in turns.subjects:
        s.drop("life")
    return table


def many(_host, subjects, options):
    n = options.boxes
    table = Table(f"{n} containers", columns(subjects),
                  "Started one after another; the commands' times (bare program, nspawn: until the first instruction).")
    total = table.row(f"start of {n}", "ms")
    one = table.row("start of each", "ms")
    memory = table.row("memory of the manager of each (PSS)", "KiB")
    turns = Turns(subjects, f"{n} containers")
    turns.each(lambda s: [s.add(f"m{i}") for i in range(n)])
    for number in range(min(options.rounds, 3) + 1):
        def turn(s, counts=number > 0):
            spent = []
            for i in range(n):
                begin, init, end = s.start(f"m{i}")
                spent.append(((init if end is None or s.key == "bare" else end) - begin) / MS)
            time.sleep(SETTLE)
            kib = [s.memory(f"m{i}") for i in range(n)]
            for i in range(n):
                s.stop(f"m{i}")
            if counts:
                total.add(s.key, sum(spent))
                one.add(s.key, statistics.median(spent))
                if kib[0] is not None:
                    memory.add(s.key, statistics.median(kib))
        turns.each(turn, number)
    for s in turns.subjects:
        for i in range(n):
            s.drop(f"m{i}")
    return table


# --- growth ---

def used_kib():
    """What is in use and no cache: caches give way, and grow with whatever else the host does."""
    with open("/proc/meminfo", encoding="ascii") as f:
        m = {line.split(":")[0]: int(line.split()[1]) for line in f}
    return m["MemTotal"] - m["MemFree"] - m["Buffers"] - m["Cached"] - m["SReclaimable"] + m["Shmem"]


def slope(points):
    """Theil and Sen's: the median of the slopes between all pairs, which single outliers do not move."""
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(points) for b in points[i + 1:])


class Span:
    """Starts with few containers beside them, and with many."""

    def __init__(self, table, how, goal="", reached=None):
        self.first = table.row(f"start of ten among the first twenty, {how}", "ms")
        self.last = table.row(f"start of ten among the last twenty, {how}", "ms")
        self.ratio = table.row(f"last / first, {how}", "x", goal, reached)

    def add(self, key, first, last):
        for value in first:
            self.first.add(key, value)
        for value in last:
            self.last.add(key, value)
        self.ratio.add(key, statistics.median(last) / statistics.median(first))


def growth(host, subjects, options):
    n = options.growth
    wanted = [s for s in subjects if s.key in ("bare", "sysct")]
    table = Table(f"{n} containers at once", columns(wanted), "Idle ones of the tiny init; until their first instruction.", ratios=False)
    # alone, as in a container's life; and while the processors are still at what follows the start before
    alone = Span(table, "each by itself", "1.5", lambda m: m["sysct"] <= 1.5)
    hasty = Span(table, "one right after the other")
    memory = table.row("memory of the host for each container", "KiB", "1 MiB beyond the bare program",
                       lambda m: m["sysct"] - m["bare"] < 1024 if min(m["sysct"], m["bare"]) > 0 else None)
    user = table.row("of it processes (PSS): manager and init", "KiB")
    listed = table.row(f"list of {n}", "ms", "20 ms", lambda m: m["sysct"] < 20)

    def grow(s):
        for i in range(n):
            s.add(f"g{i}")
        # what is shared by all, and what a first start loads, is not counted to one
        for _ in range(3):
            s.start("g0")
            time.sleep(SETTLE)
            s.stop("g0")
        spent, points = [], []
        for i in range(n):
            if i < 10 or i >= n - 10:
                time.sleep(SETTLE)
            begin, init, _ = s.start(f"g{i}")
            spent.append((init - begin) / MS)
            if (i + 1) % 10 == 0:
                time.sleep(SETTLE)
                points.append((i + 1, used_kib()))
        alone.add(s.key, spent[:10], spent[-10:])
        hasty.add(s.key, spent[10:20], spent[-20:-10])
        if len(points) > 1:
            memory.add(s.key, slope(points))
        for i in range(0, n, max(1, n // 10)):
            init = s.pid(f"g{i}") if s.key == "sysct" else s.running[f"g{i}"][0]
            user.add(s.key, (s.memory(f"g{i}") or 0) + pss_kib(init))
        if s.key == "sysct":
            for number in range(options.rounds + 1):
                begin, end, _, _ = host.timed(host.sysct_program, "list")
                if number:
                    listed.add("sysct", (end - begin) / MS)
        for i in range(n):
            s.stop(f"g{i}")
            s.drop(f"g{i}")
    Turns(wanted, f"growth to {n}").each(grow)
    return table


# --- create ---

class Place:
    """A directory of some file system, with an installation of sysct of its own in it."""

    def __init__(self, host, name, top):
        self.name, self.top = name, top
        self.env = dict(host.env, SYSCT_STATE_DIR=f"{top}/state", SYSCT_CACHE_DIR=f"{top}/cache",
                        SYSCT_RUN_DIR=host.run_dir())
        self.sysct_program = host.sysct_program

    def sysct(self, *argv, **more):
        return run(self.sysct_program, *argv, env=self.env, **more)


def with_reflinks(host):
    if not have("mkfs.xfs"):
        say("create, with reflinks: skipped, there is no mkfs.xfs (apt install xfsprogs)")
        return None
    image, top = host.path("xfs.img"), host.path("xfs")
    run("truncate", "-s", "8G", image)
    run("mkfs.xfs", "-q", "-m", "reflink=1", image)
    os.mkdir(top)
    try:
        run("mount", "-o", "loop", image, top)
    except Failed as why:
        say("create, with reflinks: skipped:", why)
        return None
    host.later(run, "umount", top)
    os.chmod(top, 0o711)
    return Place(host, "XFS", top)


COPIES = 3  # of a tree, which takes many seconds
TEMPLATES = {"alpine": ("Alpine", 50), "debian": ("Debian", 300)}


def create_arguments(host, template):
    more = ["--mirror", host.alpine_mirror] if template == "alpine" and host.alpine_mirror else []
    return ["--template", template, *more]


def create_ways(host, place, template):
    """The ways to a second one, as (key, command, what takes it away again)."""
    arguments = create_arguments(host, template)
    base = f"{template}-base"
    place.sysct("create", base, *arguments, timeout=3600)
    tree = f"{place.top}/{template}.tree"
    if not os.path.exists(tree):
        image = f"{place.env['SYSCT_STATE_DIR']}/containers/{base}/rootfs.img"
        run("unshare", "--mount", "--propagation", "private", "sh", "-euc",
            'mkdir "$2"; mount -o loop,ro "$1" /mnt; cp -a /mnt/. "$2"', "sh", image, tree)
    yield ("sysct", [host.sysct_program, "create", "second", *arguments],
           lambda: place.sysct("destroy", "second"))
    copy = f"{place.top}/second"
    yield "cp", ["cp", "-a", "--reflink=auto", tree, copy], lambda: shutil.rmtree(copy)
    if have("lxc-copy") and have("rsync"):
        lxc = f"{place.top}/lxc"
        os.makedirs(f"{lxc}/{template}", exist_ok=True)
        if not os.path.exists(f"{lxc}/{template}/rootfs"):
            run("cp", "-a", "--reflink=auto", tree, f"{lxc}/{template}/rootfs")
        with open(f"{lxc}/{template}/config", "w", encoding="utf-8") as f:
            f.write(f"lxc.rootfs.path = dir:{lxc}/{template}/rootfs\nlxc.uts.name = {template}\n")
        yield ("lxc", ["lxc-copy", "-P", lxc, "-n", template, "-N", "second"],
               lambda: run("lxc-destroy", "-P", lxc, "-n", "second"))
    else:
        say("create: lxc-copy is left out: it needs lxc and rsync")


def create_in(host, place, reflinks, table, options):
    for template in options.templates:
        title, goal = TEMPLATES[template]
        goal = 50 if reflinks else goal
        row = table.row(f"a second {title} on {place.name}", "ms", f"{goal} ms", lambda m, goal=goal: m["sysct"] <= goal)
        try:
            ways = list(create_ways(host, place, template))
        except Failed as why:
            say(f"create: {title} on {place.name} is left out: {why}")
            continue
        for number in range(options.rounds + 1):
            for key, command, undo in ways:
                if key != "sysct" and number > COPIES:
                    continue
                run("sync", "-f", place.top)  # nobody pays for what another has left to write
                begin, end, _, _ = host.timed(*command, env=place.env)
                undo()
                if number:
                    row.add(key, (end - begin) / MS)
        place.sysct("destroy", f"{template}-base")


def create(host, _subjects, options):
    table = Table("A second container from the cache", [("sysct", "sysct create"), ("cp", "cp -a"), ("lxc", "lxc-copy")],
                  "sysct's is on the disk when the command returns, the others' is in the cache of the host.")
    plain = Place(host, fs_name(host.dir), host.path("plain"))
    os.mkdir(plain.top)
    os.chmod(plain.top, 0o711)
    plain.env["SYSCT_CACHE_DIR"] = host.cache
    places = [(plain, False), (with_reflinks(host), True)]
    for place, reflinks in places:
        if place:
            if reflinks:  # built once is enough
                shutil.copytree(f"{host.cache}/images", f"{place.top}/cache/images", copy_function=copy_sparse, symlinks=True)
            create_in(host, place, reflinks, table, options)
    return table


def copy_sparse(source, to):
    run("cp", "-a", "--sparse=always", source, to)
    return to


def fs_name(path):
    return run("stat", "-f", "-c", "%T", path).strip().replace("ext2/ext3", "ext4")


# --- boot ---

def boot(host, subjects, options):
    """Debian's systemd until it says `running`, by its own clock, which is the host's."""
    subjects = [s for s in subjects if s.key in ("sysct", "lxc", "lxc-loop")]
    table = Table(f"systemd's boot (Debian {options.release})", columns(subjects))
    running = table.row("start until systemd is `running`", "ms", "LXC's", lambda m: m["sysct"] <= m["lxc-loop"])
    begun = table.row("start until systemd begins", "ms")
    turns = Turns(subjects, "boot")
    box = next((s for s in subjects if isinstance(s, Sysct)), None) or Sysct(host)

    def add(s):
        if isinstance(s, Lxc):
            s.add_tree("boot", host.tree_of("boot", "debian.tree"), "3G")
    try:
        box.create("boot", "--template", "debian", "--release", options.release, timeout=3600)
    except Failed as why:
        say("boot: skipped:", why)
        return table
    turns.each(add)
    for number in range(min(options.rounds, 5) + 1):
        def turn(s, counts=number > 0):
            started = host.timed(host.sysct_program, "start", "boot") if isinstance(s, Sysct) else \
                host.timed(*s.command("lxc-start", "boot"))
            until = time.monotonic() + 120
            state = ""
            try:
                while state not in ("running", "degraded"):
                    if time.monotonic() > until:
                        raise Failed(f"systemd is \"{state}\" after two minutes")
                    time.sleep(0.2)
                    state = run(*s.enter("boot", "systemctl", "is-system-running"), check=False, env=host.env).strip()
                if state == "degraded":
                    failed = run(*s.enter("boot", "systemctl", "--failed", "--plain", "--no-legend"), env=host.env)
                    say(f"boot: {s.title}: degraded: {', '.join(line.split()[0] for line in failed.splitlines())}")
                text = run(*s.enter("boot", "systemctl", "show", "-p", "UserspaceTimestampMonotonic",
                                    "-p", "FinishTimestampMonotonic"), env=host.env)
                when = dict(line.split("=") for line in text.split())
            finally:
                if isinstance(s, Sysct):
                    host.sysct("stop", "boot", check=False)
                else:
                    run(*s.command("lxc-stop", "boot"), check=False)
            if counts:
                running.add(s.key, (int(when["FinishTimestampMonotonic"]) * 1000 - started[0]) / MS)
                begun.add(s.key, (int(when["UserspaceTimestampMonotonic"]) * 1000 - started[0]) / MS)
        turns.each(turn, number)
    for s in turns.subjects:
        if isinstance(s, Lxc):
            s.drop("boot")
    box.drop("boot")
    return table


ALL = {"life": life, "many": many, "create": create, "boot": boot, "growth": growth}
