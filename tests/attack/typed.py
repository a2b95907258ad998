#!/usr/bin/env python3
"""typed.py COMMAND...: runs it on a terminal, as a person would; prints what it printed, and "typed: ..." when something was
typed into that terminal meanwhile.

The person's own terminal is the thing to protect: whatever somebody inside types into it is executed by the shell that
waits for the command's end. Ends with 1 when there is something, with 2 when the command hangs.
"""
import fcntl
import os
import pty
import select
import sys
import termios
import time

master, slave = pty.openpty()
pid = os.fork()
if pid == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.execvp(sys.argv[1], sys.argv[1:])
end = time.monotonic() + 20
output = b""
while os.waitpid(pid, os.WNOHANG)[0] == 0:
    if time.monotonic() > end:
        os.kill(pid, 9)
        print("the command hangs")
        sys.exit(2)
    if select.select([master], [], [], 0.05)[0]:
        output += os.read(master, 65536)
# what a shell would read now; not canonical, so that a line that has no end is seen too
attributes = termios.tcgetattr(slave)
attributes[3] &= ~termios.ICANON
termios.tcsetattr(slave, termios.TCSANOW, attributes)
os.set_blocking(slave, False)
try:
    typed = os.read(slave, 4096)
except BlockingIOError:
    typed = b""
print(output.decode(errors="replace").replace("\r", "").strip())
if typed:
    print("typed: %r" % typed)
    sys.exit(1)
