"""Two commands on one box at the same time, any two, from any state; for commands-race.sh.

usage: races.py NAME SECONDS

For each pair of commands and each state in which both have something to do, the two are begun with a small random
distance. What they answer and what the box is afterwards must be what some order of the two, one after the other, would
have come to. Then nothing of the box may be left on the host but its files, a start must work, and a stop.

All combinations are gone through once; then more rounds follow until SECONDS are over.
"""
import json
import os
import random
import subprocess
import sys
import time

NAME, SECONDS = sys.argv[1], float(sys.argv[2])
STATE, RUN = os.environ["SYSCT_STATE_DIR"], os.environ["SYSCT_RUN_DIR"]
BOX = os.path.join(STATE, "containers", NAME)

COMMANDS = {
    "create": ["create", NAME, "--template", "busybox", "--set", "container.stop_timeout=10s"],
    "start": ["start", NAME],
    "stop": ["stop", NAME, "--timeout", "0"],
    "stop --now": ["stop", "--now", NAME],
    "restart": ["restart", "--now", NAME],
    "destroy": ["destroy", NAME],
    "destroy --force": ["destroy", "--force", NAME],
    "config set": ["config", "set", NAME, "limits.tasks=500", "container.description=raced"],
    "kill": ["kill", NAME],
    "freeze": ["freeze", NAME],
    "thaw": ["thaw", NAME],
    "attach": ["attach", "-T", NAME, "--", "true"],
}
# those that kill before they have the lock: what they find then depends on the other's every step, so these get more rounds
HASTY = {"stop --now", "restart", "destroy --force"}
# those that take no lock: they may find what another one is in the middle of
UNLOCKED = {"kill", "attach"}


def outcomes(command, state):
    """What a command may answer in a state, and the state after it. "dying": init was killed, and the monitor has not
    undone the start yet, or has."""
    if state == "dying":
        return outcomes(command, "running") | outcomes(command, "stopped") | {
            (status, "dying") for status, after in outcomes(command, "running") if after in ("running", "frozen")}
    runs = state in ("running", "frozen")
    if command == "create":
        return {(0, "stopped")} if state == "absent" else {(4, state)}
    if command == "attach":
        return {(0, state)} if state == "running" else {(125, state)}
    if state == "absent":
        return {(3, state)}
    if command == "config set":
        return {(0, state)}
    if command == "destroy --force":
        return {(0, "absent")}
    if command == "destroy":
        return {(4, state)} if runs else {(0, "absent")}
    if command == "start":
        return {(4, state)} if runs else {(0, "running")}
    if not runs:
        return {(4, state)}
    if command in ("stop", "stop --now"):
        return {(0, "stopped")}
    if command == "restart":
        return {(0, "running")}
    if command == "kill":
        return {(0, "dying")}
    if command == "freeze":
        return {(0, "frozen")} if state == "running" else {(4, state)}
    if command == "thaw":
        return {(0, "running")} if state == "frozen" else {(4, state)}
    raise AssertionError(command)


def orders(first, second, state):
    """All (status of first, status of second, state) that an order of the two comes to."""
    found = set()
    for status, between in outcomes(first, state):
        found |= {(status, other, after) for other, after in outcomes(second, between)}
    for status, between in outcomes(second, state):
        found |= {(other, status, after) for other, after in outcomes(first, between)}
    # in the middle of what the other one does, it is neither running nor gone
    for one, other, swap in (first, second, False), (second, first, True):
        if one not in UNLOCKED or other in ("config set", "freeze", "thaw"):
            continue
        refusals = {"kill": (4,), "attach": (125, 128 + 9)}[one]
        for status, after in outcomes(other, state) | (outcomes(other, "dying") if other in UNLOCKED else set()):
            found |= {(status, r, after) if swap else (r, status, after) for r in refusals}
    # --now kills what another command is about to stop, and is content when that one has stopped it
    if first in HASTY or second in HASTY:
        for a, b, swap in (first, second, False), (second, first, True):
            if a not in HASTY or state not in ("running", "frozen"):
                continue
            for status, between in outcomes(b, "dying"):
                for other, after in outcomes(a, between) | ({(0, between)} if a == "stop --now" else set()) | (
                        {(0, "running")} if a == "restart" and between != "absent" else set()):
                    found.add((status, other, after) if swap else (other, status, after))
    return found


def sysct(*words):
    return subprocess.run(["sysct", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)


def must(*words):
    done = sysct(*words)
    if done.returncode:
        raise AssertionError("%s: %d: %s" % (" ".join(words), done.returncode, done.stderr))


def state_of():
    boxes = json.loads(sysct("list", "--format", "json").stdout)
    return next((box["state"] for box in boxes if box["name"] == NAME), "absent")


def stop():
    """It may be on its way, after a kill."""
    done = sysct("stop", "--now", NAME)
    if done.returncode not in (0, 4) or settled({"stopped"}) != "stopped":
        raise AssertionError("stop: %d, then %s: %s" % (done.returncode, state_of(), done.stderr))


def settled(wanted):
    """Wait, not long, for what a killed init leaves behind."""
    end = time.monotonic() + 20
    while True:
        state = state_of()
        if state in wanted or time.monotonic() > end:
            return state
        time.sleep(0.01)


def bring_to(state):
    now = state_of()
    if state == "absent":
        if now != "absent":
            must("destroy", "--force", NAME)
        return
    if now == "absent":
        must(*COMMANDS["create"])
        now = "stopped"
    if now == "frozen" and state == "running":
        must("thaw", NAME)
    if state == "stopped" and now != "stopped":
        stop()
    if state != "stopped" and now == "stopped":
        must("start", NAME)
    if state == "frozen" and now != "frozen":
        must("freeze", NAME)


def leftovers():
    """What a stopped box must not have: looked for by hand, since the whole leak-check takes too long for each round."""
    found = []
    if os.path.exists(os.path.join(RUN, NAME)):
        found.append(os.path.join(RUN, NAME))
    for entry in os.listdir(os.path.join(STATE, "containers")):
        if entry.startswith("."):
            found.append(entry)
    for loop in os.listdir("/sys/block"):
        try:
            with open("/sys/block/%s/loop/backing_file" % loop) as file:
                if file.read().startswith(STATE + "/"):
                    found.append(loop)
        except OSError:
            pass
    with open("/proc/self/mountinfo") as file:
        found += [line.split()[4] for line in file if "%s/%s/" % (RUN, NAME) in line]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if b"sysct-" in words[0] and NAME.encode() in words and RUN.encode() in words:
            found.append("process " + pid)
    return found


def clean():
    end = time.monotonic() + 20
    while True:
        found = leftovers()
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.01)


def end_of(process, first, second):
    """What it said. A command that runs inside when its box is frozen ends when that is thawed, and not before."""
    try:
        return process.communicate(timeout=20 if {first, second} == {"attach", "freeze"} else 100)[1]
    except subprocess.TimeoutExpired:
        if {first, second} != {"attach", "freeze"} or state_of() != "frozen":
            raise
        must("thaw", NAME)
        said = process.communicate(timeout=20)[1]
        must("freeze", NAME)
        return said


def race(first, second, state, distance):
    bring_to(state)
    begun = []
    for index, command in enumerate((first, second) if distance >= 0 else (second, first)):
        if index:
            time.sleep(abs(distance))
        begun.append(subprocess.Popen(["sysct", *COMMANDS[command]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, text=True))
    said = [end_of(process, first, second) for process in begun]
    status = [process.returncode for process in begun]
    if distance < 0:
        status.reverse()
        said.reverse()
    good = {after for one, other, after in orders(first, second, state) if [one, other] == status}
    wanted = {"stopped" if after == "dying" else after for after in good}
    now = settled(wanted)
    what = "%s %+.1f ms %s, of a box that is %s: status %d and %d, then %s" % (
        first, distance * 1000, second, state, *status, now)
    if not good:
        return what + ": no order of the two comes to these\n" + "".join(said)
    if now not in wanted:
        return what + " instead of %s\n" % " or ".join(sorted(wanted)) + "".join(said)
    for command, text, code in zip((first, second), said, status):
        # what is attached may be killed with the box
        if code and "sysct: " not in text and (command, code) != ("attach", 128 + 9):
            return what + ": an error without words"
    if now == "absent":
        found = clean()
    else:
        if now != "stopped":
            stop()
        found = clean()
    if found:
        return what + ": left: " + " ".join(found)
    if now != "absent":
        must("start", NAME)
        if sysct("attach", "-T", NAME, "--", "true").returncode:
            return what + ": no attach after it"
    return None


def combinations():
    names = list(COMMANDS)
    found, other = [], {}
    for i, first in enumerate(names):
        for second in names[i:]:
            for state in ("absent", "stopped", "running", "frozen"):
                if state == "absent" and "create" not in (first, second):
                    continue
                if state == "frozen" and "thaw" not in (first, second):
                    continue
                # both have something to do there: that is a race. Of what is one in no state, any state will do.
                work = [any(status == 0 for status, _ in outcomes(command, state)) for command in (first, second)]
                if all(work):
                    found.append((first, second, state))
                elif any(work):
                    other.setdefault((first, second), []).append(state)
    raced = {pair[:2] for pair in found}
    found += [(*pair, random.choice(states)) for pair, states in other.items() if pair not in raced]
    found += 9 * [c for c in found if c[2] == "running" and {c[0], c[1]} <= HASTY]
    random.shuffle(found)
    # states that follow each other save the way between them
    order = {"absent": 2, "stopped": 1, "running": 0, "frozen": 3}
    return sorted(found, key=lambda c: order[c[2]])


def main():
    seed = int(os.environ.get("SYSCT_TEST_SEED", random.randrange(10 ** 6)))
    random.seed(seed)
    end = time.monotonic() + SECONDS
    todo, bad, rounds = combinations(), [], 0
    print("seed %d, %d combinations" % (seed, len(todo)), flush=True)
    while todo:
        for first, second, state in todo:
            # as long as such a command takes, so that each step of one meets each of the other in the long run
            problem = race(first, second, state, random.uniform(-0.04, 0.04))
            rounds += 1
            if problem:
                print(problem, flush=True)
                bad.append(problem)
            if rounds >= len(todo) and time.monotonic() > end:
                todo = []
                break
    print("%d rounds, %d wrong" % (rounds, len(bad)))
    return 1 if bad else 0


sys.exit(main())
