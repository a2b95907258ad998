#!/usr/bin/env python3
"""Runs a command on a terminal of its own and talks to it.

terminal.py [--size ROWSxCOLUMNS] STEP... -- COMMAND...

Steps, in order: expect=REGEX, send=TEXT (with \\r, \\x01 and so on), again=TEXT (sent every two seconds until what the next step
expects is there: a shell that is only just beginning may throw away what was typed before), quiet=SECONDS (nothing more
is wanted, just wait), resize=ROWSxCOLUMNS, exit=STATUS (it ends by itself with that status). Each may take 30 seconds, --timeout=SECONDS else.
What it printed goes to standard output; a step that fails ends with 1.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


def size_of(text):
    rows, columns = text.split("x")
    return struct.pack("HHHH", int(rows), int(columns), 0, 0)


def main():
    steps = sys.argv[1:sys.argv.index("--")]
    command = sys.argv[sys.argv.index("--") + 1:]
    limit, size = 30.0, size_of("24x80")
    seen, master, ended = b"", -1, False
    while steps and steps[0].startswith("--"):
        name, value = steps.pop(0).split("=", 1)
        if name == "--timeout":
            limit = float(value)
        else:
            size = size_of(value)

    sized, go = os.pipe()
    pid, master = pty.fork()
    if pid == 0:
        os.read(sized, 1)  # the command finds its terminal as large as it is meant to be
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, size)
    os.write(go, b"x")

    def read(seconds):
        nonlocal seen, ended
        if not select.select([master], [], [], max(seconds, 0))[0]:
            return
        try:
            data = os.read(master, 65536)
        except OSError:
            data = b""
        if not data:
            ended = True
            time.sleep(0.01)
        seen += data
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def wrong(what):
        print(f"\nterminal: {what}")
        os.kill(pid, signal.SIGKILL)
        sys.exit(1)

    def write(text):
        os.write(master, text.encode().decode("unicode_escape").encode("latin-1"))

    repeated = None
    for step in steps:
        name, value = step.split("=", 1)
        end = time.monotonic() + limit
        if name == "expect":
            pattern = re.compile(value.encode())
            while not (match := pattern.search(seen)):
                if ended or time.monotonic() > end:
                    wrong(f"never printed {value!r}")
                pause = end - time.monotonic()
                if repeated is not None:
                    pause = min(pause, due - time.monotonic())
                    if pause <= 0:
                        write(repeated)
                        due = time.monotonic() + 2
                        continue
                read(pause)
            seen = seen[match.end():]
            repeated = None
        elif name == "send":
            write(value)
        elif name == "again":
            repeated, due = value, time.monotonic()
        elif name == "quiet":
            until = time.monotonic() + float(value)
            while time.monotonic() < until and not ended:
                read(until - time.monotonic())
            seen = b""
        elif name == "resize":
            fcntl.ioctl(master, termios.TIOCSWINSZ, size_of(value))
        elif name == "exit":
            while (done := os.waitpid(pid, os.WNOHANG))[0] == 0:
                if time.monotonic() > end:
                    wrong("does not end")
                read(0.1)
            last = time.monotonic() + 5  # what it printed may be on its way; nobody else should have the terminal
            while not ended and time.monotonic() < last:
                read(last - time.monotonic())
            got = os.waitstatus_to_exitcode(done[1])
            if got != int(value):
                print(f"\nterminal: ended with {got}, not {value}")
                sys.exit(1)
            sys.exit(0)
    os.kill(pid, signal.SIGHUP)
    os.close(master)
    os.waitpid(pid, 0)


main()
