#!/bin/sh
# --user where no packages are installed: attach enters as him, lines say what is missing; an id that is taken; an account
# that is there; who is refused.
. "${0%/*}/lib.sh"

me=sysct-me-$$
person "$me"
uid=$(id -u "$me")

mark
refused 2 'no user "nobody-here"' sysct launch busybox x --user nobody-here
refused 2 'is root' sysct create x --template busybox --user root
refused 2 'cannot log in' sysct create x --template busybox --user nobody
refused 2 'no user' sysct create x --template busybox --user ''
unchanged

create box --template busybox --user "$me"
has "$(cat "$ERR")" 'no sudo in the container: sysct attach -u root' "a line about sudo"
has "$(cat "$ERR")" 'no ssh server in the container: sysct attach' "a line about ssh"
same "$(wc -l <"$ERR")" 2 "lines"
ok sysct start box --wait
same "$(inside box id -u)" "$uid" uid
same "$(inside box pwd)" "/home/$me" "working directory"
ok inside box touch mine

# a system in which he has an account already, and another one where somebody has his id
pack() { sysct attach -u root box -- tar c -C / bin etc home lib root sbin usr var </dev/null >"$1"; }
pack "$TEST_TMP/his.tar"
sysct attach -u root box -- sed -i "s/^$me:/other:/" /etc/passwd /etc/group /etc/shadow </dev/null
pack "$TEST_TMP/other.tar"
ok sysct stop --now box
create his --template tarball --source "$TEST_TMP/his.tar" --user "$me"
create other --template tarball --source "$TEST_TMP/other.tar" --user "$me"
has "$(cat "$ERR")" "$me has uid [0-9]+ in the container: $uid is that of other there" "a line about his id"
ok sysct start his other --wait
same "$(inside his sh -c 'id -u; ls')" "$(printf '%s\n%s' "$uid" mine)" "he himself, in his own home"
[ "$(inside other id -u)" != "$uid" ] || fail "two users with one id"
same "$(inside other id -un)" "$me" name
# what is set by hand counts
create third --template busybox --user "$me" --set container.user=root
same "$(sysct config get third container.user)" root container.user
