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

say "a home or a directory that is a descriptor of whoever attaches; the ids of a privileged box could use it"
ok sysct config set box security.privileged=yes
ok sysct stop --now box
ok sysct start box --wait
ok inside box sh -c 'cp /etc/passwd /etc/passwd.real'
for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    ok inside box sh -c "echo 'evil:x:0:0::/proc/self/fd/$n:/bin/sh' >/etc/passwd.evil; cat /etc/passwd.real /etc/passwd.evil >/etc/passwd"
    same "$(sysct attach -T box -u evil -- readlink /proc/self/cwd </dev/null)" / "a home that is descriptor $n"
    expect 125 sysct attach -T box -w "/proc/self/fd/$n" -- true </dev/null
done
say "a passwd that is the caller's input"
echo 'root:x:0:0::/etc:/bin/sh' >"$TEST_TMP/input"
ok inside box sh -c 'rm /etc/passwd; ln -s /proc/self/fd/0 /etc/passwd'
same "$(sysct attach -T box -- readlink /proc/self/cwd <"$TEST_TMP/input")" /root "a home from the caller's input"
ok sysct stop --now box
