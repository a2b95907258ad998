#!/bin/sh
# --user: the account of a user of the host in Alpine, which attach enters, and by the box's name the host's ssh. Keys are
# read as he himself would; each box has host keys of its own, and a box that takes the name of another is not taken for it.
# timeout: 180
. "${0%/*}/lib.sh"

mirror
me=sysct-me-$$
person "$me"
uid=$(id -u "$me")
home=$(getent passwd "$me" | cut -d : -f 6)
ssh-keygen -q -t ed25519 -N '' -f "$TEST_TMP/other" -C other
ssh-keygen -q -t ed25519 -N '' -f "$TEST_TMP/secret" -C secret
chmod 0600 "$TEST_TMP/secret.pub"
{ printf '# of others\nno-pty,from="10.0.0.0/8" ' && cat "$TEST_TMP/other.pub"; } |
    as "$me" sh -c 'cd; cat >.ssh/authorized_keys'
# what he could not read himself, what never ends, what is too much
as "$me" sh -c 'cd ~/.ssh; ln -s "$1" a.pub; mkfifo b.pub; ln -s /dev/zero c.pub; ln -s /etc/passwd d.pub' sh "$TEST_TMP/secret.pub"

defer remove box
ok sysct launch alpine box --mirror "$MIRROR" --user "$me"
has "$(cat "$ERR")" 'there is no sudo in the container: doas' "a line about sudo"
has "$(cat "$ERR")" "not all files with ssh keys of $me were taken" "a line about the files left out"
has "$(cat "$ERR")" "sysct attach box enters it as $me, and so does ssh .*$me@box\\.sysct" "how to get in"

say attach
same "$(inside box id -u)" "$uid" uid
same "$(inside box id -g)" "$(id -g "$me")" gid
same "$(inside box id -gn)" "$me" group
same "$(inside box pwd)" "/home/$me" "working directory"
same "$(inside box sh -c 'echo $HOME $USER $SHELL')" "/home/$me $me /bin/sh" environment
same "$(echo 'pwd; id -un' | sysct attach -T box | tr '\n' ' ')" "/home/$me $me " "a login shell"
same "$(inside box doas -n id -u)" 0 "doas without a password"
same "$(sysct attach -u root box -- id -u </dev/null)" 0 "attach -u root"
same "$(sysct config get box container.user)" "$me" container.user
same "$(sysct attach -u root box -- grep "^$me:" /etc/passwd </dev/null)" "$me:x:$uid:$(id -g "$me"):Some Body,,,:/home/$me:/bin/sh" passwd
same "$(inside box stat -c '%a %U' . .ssh .ssh/authorized_keys | tr '\n' ' ')" "700 $me 700 $me 600 $me " "home and keys"
keys=$(inside box cat .ssh/authorized_keys)
same "$(echo "$keys" | wc -l)" 2 "number of keys"
has "$keys" "^$(cut -d ' ' -f 1,2 <"$home/.ssh/id_ed25519.pub" | sed 's/[+.]/[&]/g')" "his own key"
has "$keys" '^no-pty,from="10.0.0.0/8" ssh-ed25519 .* other$' "a key with its options"

say ssh
same "$(by_ssh "$me" "$me@box.sysct" id -u)" "$uid" "ssh by name"
same "$(by_ssh "$me" box.sysct 'pwd; doas -n id -u' 2>&1 | tr '\n' ' ')" "/home/$me 0 " "ssh once more, in silence"
ok ssh -F "$home/.ssh/config" -o BatchMode=yes -o UserKnownHostsFile="$TEST_TMP/known" -i "$home/.ssh/id_ed25519" "$me@box.sysct" true

say "a second one, of the same image"
images=$(find "$SYSCT_CACHE_DIR/images" -mindepth 1 -maxdepth 1 | wc -l)
create two --template alpine --mirror "$MIRROR" --offline --user "$me"
same "$(find "$SYSCT_CACHE_DIR/images" -mindepth 1 -maxdepth 1 | wc -l)" "$images" "images in the cache"
ok sysct start two --wait
same "$(by_ssh "$me" two.sysct hostname)" two "the second by its name"
pub=/etc/ssh/ssh_host_ed25519_key.pub
[ "$(inside box cat $pub)" != "$(inside two cat $pub)" ] || fail "two boxes have the same host key"

say "one made of the files of another"
# (tar says that logs change while it reads them)
sysct attach -u root two -- tar c -C / bin etc home lib root sbin usr var </dev/null >"$TEST_TMP/two.tar" 2>/dev/null || :
create three --template tarball --source "$TEST_TMP/two.tar" --user "$me"
ok sysct start three --wait
same "$(by_ssh "$me" three.sysct id -u)" "$uid" "ssh to the third"
[ "$(inside two cat $pub)" != "$(inside three cat $pub)" ] || fail "a box has the host keys of another"

say "another one of that name"
ok sysct destroy --force box
expect 255 by_ssh "$me" box.sysct true
ok sysct launch alpine box --mirror "$MIRROR" --user "$me"
same "$(by_ssh "$me" "$me@box.sysct" id -u)" "$uid" "ssh to a new box of an old name"
ok sysct stop --now box
expect 255 by_ssh "$me" box.sysct true
