#!/bin/sh
# No descriptor of the host gets inside: not a directory, not a file, and the working directory is of the box.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
same "$(sysct attach box -- sh -c 'ls /proc/self/fd' 7</ 8</etc/passwd 9>"$TEST_TMP/nine" </dev/null | tr '\n' ' ')" "0 1 2 3 " \
    "descriptors (3 is ls looking)"
for cwd in / /etc "$TEST_TMP"; do
    cd "$cwd"
    same "$(sysct attach box -- sh -c 'readlink /proc/self/cwd' </dev/null)" /root "working directory"
done
# nor with a file as standard input: the box must not get the host's file as such
got=$(inside box sh -c 'readlink /proc/self/fd/1' | cat)
has "$got" '^(pipe|/dev/pts|socket)' "standard output"
# init too has only what it needs
same "$(inside box sh -c 'for f in /proc/1/fd/*; do readlink "$f"; done' | grep -v -E '^(/dev/(null|console|pts/[0-9]+)|pipe:.*|socket:.*|anon_inode:.*)$')" "" \
    "descriptors of init"
