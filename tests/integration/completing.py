#!/usr/bin/env python3
"""What a person at a shell gets by the tab key.

    completing.py SHELL SCRIPT "LINE|WANTED"...

Starts bash or zsh on a terminal of its own, without anybody's start files, reads the completion from SCRIPT (for zsh the directory
that it stands in), types each LINE and a tab, and waits until the line reads WANTED. The first that does not is an error.
"""
import os, pty, re, select, sys, time

shell, script, cases = sys.argv[1], sys.argv[2], sys.argv[3:]
PATIENCE = 20 * int(os.environ.get("SYSCT_TEST_PATIENCE", "1"))
commands = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}[shell]
setup = {
    "bash": "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; PS1='READY> '; . %s\n" % script,
    "zsh": "unsetopt zle_bracketed_paste prompt_cr prompt_sp beep; fpath=(%s $fpath); autoload -U compinit; compinit -u -D; PS1='READY> '\n"
           % os.path.dirname(script),
}[shell]

pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm", COLUMNS="200", LINES="50", HOME=os.environ["TEST_TMP"])
    os.execvp(commands[0], commands)


def plain(data):
    """Without escape sequences; a backspace takes a letter back."""
    text = re.sub(r"\r|\x1b(\[[0-9;?]*[a-zA-Z]|[=>()][0-9A-B]?|\][^\x07]*\x07)", "", data.decode(errors="replace"))
    while "\x08" in text:
        text = re.sub(r"[^\x08]?\x08", "", text, count=1)
    return text


def until(wanted, what):
    data, end = b"", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                data += os.read(fd, 65536)
            except OSError:
                break
        if wanted in plain(data):
            return
    sys.exit("%s: %s: no \"%s\" in %r" % (shell, what, wanted, plain(data)))


os.write(fd, setup.encode())
until("\nREADY> ", "start")
for case in cases:
    line, wanted = case.split("|")
    os.write(fd, line.encode() + b"\t")
    until(wanted, line)
    os.write(fd, b"\x15\n")  # ^U: nothing is executed
    until("READY> ", "after " + line)
os.write(fd, b"exit\n")
os.waitpid(pid, 0)
