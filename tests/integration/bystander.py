"""A process that nobody may touch, for pids-are-not-trusted.sh.

usage: bystander.py READY TOUCHED [PID]

A child with that pid, as soon as the kernel has it free again (clone3(2), set_tid), or with any. READY gets its pid; TOUCHED
a line for each signal that it gets, and one if it is stopped or ends. Both end with the parent.
"""
import ctypes
import os
import signal
import sys
import time

READY, TOUCHED = sys.argv[1:3]
LIBC = ctypes.CDLL(None, use_errno=True)


class Args(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls", "set_tid", "set_tid_size")]


def fork_as(pid):
    tid = ctypes.c_int(pid)
    args = Args(exit_signal=signal.SIGCHLD, set_tid=ctypes.addressof(tid), set_tid_size=1)
    end = time.monotonic() + 20
    while True:
        child = LIBC.syscall(435, ctypes.byref(args), ctypes.sizeof(args))    # clone3
        if child >= 0:
            return child
        if time.monotonic() > end:    # EEXIST: it has not been reaped yet
            sys.exit("take pid %d: %s" % (pid, os.strerror(ctypes.get_errno())))
        time.sleep(0.02)


def note(text):
    with open(TOUCHED, "a") as file:
        print(text, file=file)


parent = os.getpid()
child = fork_as(int(sys.argv[3])) if len(sys.argv) > 3 else os.fork()
if child == 0:
    LIBC.prctl(1, signal.SIGKILL)    # PR_SET_PDEATHSIG
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, 32, 33):
            signal.signal(number, lambda got, frame: note("signal %d" % got))
    with open(READY + ".new", "w") as file:
        print(LIBC.getpid(), file=file)
    os.rename(READY + ".new", READY)
    while True:
        time.sleep(60)
_, status = os.waitpid(child, os.WUNTRACED)
note("it was stopped or ended: status %#x" % status)
