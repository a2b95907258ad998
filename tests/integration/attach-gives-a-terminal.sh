#!/bin/sh
# On a terminal the command has one inside the box, with the size and the signals of the caller's.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
terminal --size=33x101 'expect=/dev/pts/[0-9]+' 'expect=33 101' exit=5 -- \
    sysct attach box -- sh -c 'tty; stty size; exit 5' || fail "tty and size"
# ^C is for the command inside
terminal 'expect=ready' 'send=\x03' exit=130 -- sysct attach box -- sh -c 'echo ready; exec sleep 1000' || fail "^C"
# a new size gets inside
terminal 'expect=ready' resize=40x120 'quiet=0.5' 'send=\r' 'expect=40 120' exit=0 -- \
    sysct attach box -- sh -c 'echo ready; read -r line; stty size' || fail "resize"
# a login shell without a command
terminal 'expect=[#$] ' 'send=echo $0-$((40+2)); exit 3\r' 'expect=-42' exit=3 -- sysct attach box || fail "login shell"
# and with script(1), whose terminal gets back what it was
got=$(script -qec 'stty size >/dev/null; before=$(stty -g); sysct attach box -- tty; [ "$before" = "$(stty -g)" ] && echo restored' /dev/null </dev/null)
has "$got" '/dev/pts/' "script"
has "$got" restored "the terminal afterwards"
# -T: no terminal though there is one; -t: one though there is none
has "$(script -qec 'sysct attach -T box -- tty' /dev/null </dev/null || :)" 'not a tty' -T
has "$(sysct attach -t box -- tty </dev/null)" '/dev/pts/' -t
