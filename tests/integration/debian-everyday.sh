#!/bin/sh
# What people do in a box of theirs works under the default confinement: apt, sudo, ping, useradd, strace, ssh, and units of
# systemd with sandboxes.
# timeout: 400
. "${0%/*}/lib.sh"

debian trixie box
ok sysct start box --wait
ok inside box sh -c 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    sudo strace iputils-ping openssh-server openssh-client'

say "users, sudo, ping by a user"
ok inside box useradd -m -s /bin/bash ada
ok inside box sh -c 'echo "ada ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/ada'
same "$(sysct attach -T box -u ada -- sudo -n id -u </dev/null)" 0 "sudo"
ok sysct attach -T box -u ada -- ping -c 1 -W 5 127.0.0.1
gateway=$(inside box ip -4 route show default | awk '{ print $3; exit }')
ok sysct attach -T box -u ada -- ping -c 1 -W 5 "$gateway"

say "strace of one's own program"
ok sysct attach -T box -u ada -- strace -o /tmp/trace -f sh -c 'echo traced'
ok inside box grep -q 'write(1, "traced' /tmp/trace

say "ssh into it"
ok sysct attach -T box -u ada -- sh -c 'mkdir -m 700 ~/.ssh && ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519 &&
    cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys'
ok inside box systemctl start ssh
same "$(sysct attach -T box -u ada -- ssh -o StrictHostKeyChecking=accept-new -o BatchMode=yes localhost id -un </dev/null)" ada ssh

say "units with sandboxes"
unit() { inside box systemd-run --quiet --collect --wait --pipe "$@"; }
ok inside box touch /tmp/of-the-box
same "$(unit -p PrivateTmp=yes ls /tmp)" "" "PrivateTmp"
expect 1 unit -p ProtectSystem=strict touch /usr/x
has "$(cat "$ERR")" 'Read-only' ProtectSystem
expect 2 unit -p ProtectHome=yes ls /home/ada
same "$(unit -p PrivateDevices=yes sh -c 'echo x >/dev/null && [ ! -e /dev/fuse ] && echo fine')" fine PrivateDevices
has "$(unit -p DynamicUser=yes id -u)" '^6[0-9]{4}$' DynamicUser
same "$(unit -p PrivateNetwork=yes sh -c 'ls /sys/class/net')" lo PrivateNetwork
same "$(unit -p ProtectProc=invisible -p User=nobody sh -c 'ls -d /proc/1 2>/dev/null | wc -l')" 0 ProtectProc
ok unit -p PrivateUsers=yes true
ok unit -p SystemCallFilter=@system-service -p NoNewPrivileges=yes true
ok unit -p ProtectKernelTunables=yes -p ProtectKernelModules=yes -p ProtectControlGroups=yes -p RestrictNamespaces=yes \
    -p MemoryDenyWriteExecute=yes -p LockPersonality=yes true

say "network namespaces, whose sysfs is their own"
ok inside box ip netns add inner
same "$(inside box ip netns exec inner ls /sys/class/net)" lo "links there"
same "$(inside box ls -A /run/host/sys)" "" "the other sysfs"

say "names, by systemd's resolver that comes later"
busybox other
ok sysct start other --wait
ok inside box getent hosts other
ok inside box sh -c 'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends systemd-resolved libnss-resolve'
has "$(inside box readlink /etc/resolv.conf)" resolve "whom it asks"
# it reads what a start has written when it begins
ok inside box getent hosts other
ok inside box apt-get -q -o APT::Update::Error-Mode=any update
ok sysct restart box
ok sysct wait box --for booted
ok inside box getent hosts other
ok sysct stop other --now
same "$(inside box systemctl --failed --no-legend)" "" "failed units"
ok sysct stop box
