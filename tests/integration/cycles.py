"""Start and stop a box again and again, for many-starts-and-stops.sh.

usage: cycles.py NAME CYCLES SECONDS

CYCLES of them, or with 0 as many as SECONDS allow, 50 at least. Prints what the first and the last tenth of them took, and
what of the kernel's own memory and of its objects there was before and after. What is compared are counts that only this
installation can change, and, with much room, since others work on the host too, those of the kernel.
"""
import os
import resource
import subprocess
import sys
import time

NAME, CYCLES, SECONDS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
RUN = os.environ["SYSCT_RUN_DIR"]


def sysct(*words):
    done = subprocess.run(["sysct", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
    if done.returncode:
        sys.exit("%s: status %d: %s" % (" ".join(words), done.returncode, done.stderr))


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def dying():
    """Cgroups that are removed and not yet freed, of cgroup2; those of v1 are in the number of all."""
    found = 0
    for line in read("/proc/self/mounts").splitlines():
        words = line.split()
        if words[2] == "cgroup2":
            for stat in read(words[1] + "/cgroup.stat").splitlines():
                if stat.startswith("nr_dying_descendants "):
                    found += int(stat.split()[1])
    return found


def kernel():
    counts = {"dying cgroups": dying()}
    for line in read("/proc/cgroups").splitlines()[1:]:
        words = line.split()
        if words[0] == "memory":
            counts["cgroups of memory"] = int(words[2])
    for line in read("/proc/meminfo").splitlines():
        words = line.replace(":", "").split()
        if words[0] in ("SUnreclaim", "Percpu", "KernelStack"):
            counts[words[0] + " KiB"] = int(words[1])
    for line in read("/proc/slabinfo").splitlines():
        words = line.split()
        if words and words[0] in ("mnt_cache", "net_namespace", "pid_namespace", "user_namespace", "nsproxy", "filp",
                                  "sock_inode_cache", "ext4_groupinfo_4k", "task_struct"):
            counts["slab " + words[0]] = int(words[1])
    counts["open files"] = int(read("/proc/sys/fs/file-nr").split()[0])
    return counts


def own():
    """What is the installation's alone: it is the same afterwards, exactly."""
    found = {}
    for top, dirs, files in os.walk(RUN):
        for name in dirs + files:
            if ".new-" not in name:
                found["file " + os.path.join(top, name)] = 1
    for pid in filter(str.isdigit, os.listdir("/proc")):
        words = read("/proc/%s/cmdline" % pid)
        if words.startswith("dnsmasq") and "=%s/" % RUN in words:
            found["dnsmasq descriptors"] = len(os.listdir("/proc/%s/fd" % pid))
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout.split("\n")
    suffix = subprocess.run([os.path.join(os.environ["REPO"], "scripts/leak-check"), "id"], capture_output=True,
                            text=True).stdout.strip()
    for table in tables:
        words = table.split()
        if len(words) == 3 and words[2].startswith("sysct") and words[2].endswith(suffix):
            listed = subprocess.run(["nft", "list", *words], capture_output=True, text=True).stdout
            found["lines of " + table] = listed.count("\n")
    return found


def cycle():
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    sysct("start", NAME)
    sysct("stop", "--now", NAME)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def settle(name, before, most):
    """Some of it is freed by the kernel's workers, later."""
    end = time.monotonic() + 30
    while kernel()[name] - before > most and time.monotonic() < end:
        time.sleep(0.5)
    return kernel()[name] - before


for _ in range(5):    # what is made once and stays
    cycle()
mine, kernels, took = own(), kernel(), []
end = time.monotonic() + SECONDS
while len(took) < CYCLES or (not CYCLES and (len(took) < 50 or time.monotonic() < end)):
    took.append(cycle())
n = len(took)
tenth = max(n // 10, 1)
for what, part in ("first", took[:tenth]), ("last", took[-tenth:]):
    print("the %s %d of %d cycles: %.1f ms each, the fastest %.1f ms, CPU %.1f ms in commands" % (
        what, tenth, n, sum(t for t, _ in part) / tenth * 1000, min(t for t, _ in part) * 1000,
        sum(c for _, c in part) / tenth * 1000))
wrong = []
now = own()
for what in sorted(set(mine) | set(now)):
    if mine.get(what) != now.get(what):
        wrong.append("%s: %s, then %s" % (what, mine.get(what), now.get(what)))
# one or two of each cycle, if it was kept: half of one is far from nothing, and from what others do meanwhile
for what in "dying cgroups", "cgroups of memory", "slab net_namespace", "slab pid_namespace", "slab user_namespace":
    if what in kernels:
        more = settle(what, kernels[what], n // 2 + 20)
        if more > n // 2 + 20:
            wrong.append("%s: %d more after %d cycles" % (what, more, n))
later = kernel()
for what in kernels:
    print("%s: %d before, %d after: %+.3f a cycle" % (what, kernels[what], later[what], (later[what] - kernels[what]) / n))
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
