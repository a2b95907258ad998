#!/bin/sh
# --user in Debian: sudo without a password, ssh by name; the second one needs no network; no image has ssh host keys.
# timeout: 600
. "${0%/*}/lib.sh"

me=sysct-me-$$
person "$me"
uid=$(id -u "$me")
debian trixie box --user "$me"
ok sysct start box --wait
same "$(inside box systemctl is-system-running)" running "systemctl is-system-running"
same "$(inside box sh -c 'id -u; id -un; pwd; ls -A')" "$(printf '%s\n' "$uid" "$me" "/home/$me" .bash_logout .bashrc .profile .ssh)" "him and his home"
same "$(inside box sudo -n id -u)" 0 "sudo without a password"
ok inside box sudo -n visudo -c
# his own service manager, as after a login
ok inside box sudo -n loginctl enable-linger "$me"
eventually 30 inside box test -S "/run/user/$uid/systemd/private"
same "$(inside box systemctl --user show --property=Version --value)" "$(inside box systemctl show --property=Version --value)" "systemctl --user"
same "$(by_ssh "$me" "$me@box.sysct" 'id -u; sudo -n id -u; pwd')" "$(printf '%s\n' "$uid" 0 "/home/$me")" "ssh by name"

defer remove second
ok unshare -n env http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 \
    sysct create second --template debian --release trixie --user "$me"
ok sysct start second --wait
same "$(by_ssh "$me" second.sysct hostname)" second "the second one by ssh"
pub=/etc/ssh/ssh_host_ed25519_key.pub
[ "$(inside box cat $pub)" != "$(inside second cat $pub)" ] || fail "two boxes have the same host key"
image=$(grep -l '^packages=openssh-server sudo$' "$SYSCT_CACHE_DIR"/images/*/meta | head -n 1)
files=$(debugfs -R 'ls -p /etc/ssh' "${image%/meta}/rootfs.img" 2>/dev/null)
has "$files" '/sshd_config/' "the image with an ssh server"
if echo "$files" | grep ssh_host; then fail "the cached image has ssh host keys"; fi
