#!/bin/sh
# -u, -w and -e: the user of the box with groups, shell and home; numbers; refusals.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
inside box sh -c 'echo "joe:x:1234:1234::/home/joe:/bin/sh" >>/etc/passwd
    printf "joe:x:1234:\nteam:x:2000:joe\nother:x:2001:\n" >>/etc/group
    mkdir -p /home/joe && chown 1234:1234 /home/joe'
as() { sysct attach "$@" </dev/null; }
same "$(as -u joe box -- id -u)" 1234 uid
same "$(as -u joe box -- id -G)" "1234 2000" groups
same "$(as -u joe box -- sh -c 'echo $HOME $USER')" "/home/joe joe" "home and name"
same "$(as -u joe box -- pwd)" /home/joe "working directory"
same "$(as -u joe:other box -- id -g)" 2001 "another group"
same "$(as -u 4321 box -- id -u)" 4321 "a number without an entry"
same "$(as -u 1234:77 box -- sh -c 'echo $(id -u) $(id -g)')" "1234 77" "numbers"
same "$(as -w /tmp box -- pwd)" /tmp -w
same "$(as -e A=b -e 'C=d e' box -- sh -c 'echo $A,$C')" "b,d e" -e
# as a login has it, if it is there and the user's
runtime_dir() { as "$@" box -- sh -c 'echo ${XDG_RUNTIME_DIR-none}'; }
same "$(runtime_dir -u joe)" none "no runtime directory"
inside box sh -c 'mkdir -p /run/user/1234 /run/user/4321 && chown 1234 /run/user/1234'
same "$(runtime_dir -u joe)" /run/user/1234 "a runtime directory"
same "$(runtime_dir -u 4321)" none "somebody else's"
same "$(runtime_dir -u joe -e XDG_RUNTIME_DIR=/mine)" /mine "one that is given"
# its files may hold what a terminal would obey
inside box sh -c 'printf "red:x:1300:1300::/:/bin/\033[31msh\n" >>/etc/passwd'
expect 127 sysct attach -T -u red box
has "$(cat "$ERR")" 'execute /bin/\\x1b\[31msh: ' "its shell"
has "$(cat "$ERR")" '^hint: .* sysct attach box -- /bin/sh ' "the way in"
expect 127 sysct attach -T -u red box -- no-such-command
if grep hint "$ERR"; then fail "a hint for a command that was named"; fi
refused 125 'nobody-here' sysct attach -u nobody-here box -- true
for user in -1 4294967295 4294967296 0x10 '' ' 0' 99999; do
    expect 125 sysct attach -u "$user" box -- true
done
expect 125 sysct attach -w /no/such/dir box -- true
