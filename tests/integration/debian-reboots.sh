#!/bin/sh
# reboot inside Debian: the same name, address and files; systemd is running again.
# timeout: 600
. "${0%/*}/lib.sh"

debian trixie box
ok sysct start box --wait
inside box sh -c 'echo kept >/root/file; touch /run/first-life'
inside box logger in the first life
before="$(inside box hostname) $(field box ipv4) $(field box hwaddr) $(inside box cat /etc/machine-id)"
inside box reboot || :
again() { inside box sh -c '[ ! -e /run/first-life ] && [ "$(systemctl is-system-running)" = running ]'; }
eventually 60 again
same "$(inside box hostname) $(field box ipv4) $(field box hwaddr) $(inside box cat /etc/machine-id)" "$before" "name and address"
same "$(inside box cat /root/file)" kept "a file"
# its journal tells one boot from the other
same "$(inside box journalctl --no-pager -q -b -g 'in the first life')" "" "of the first life in the second's journal"
has "$(inside box journalctl --no-pager -q -b -1 -g 'in the first life')" 'in the first life$' "the first life's journal"
ok sysct stop box

# the configuration names it, and then somebody inside does
ok sysct config set box container.hostname=named.example
ok sysct start box --wait
same "$(inside box hostname) $(inside box hostname -s) $(inside box cat /etc/hostname)" "named.example named named.example" "the new name"
ok inside box hostnamectl hostname chosen
ok sysct restart box
ok sysct wait --for booted box
same "$(inside box hostname)" chosen "the name chosen inside"
ok sysct stop box

# what is full of its memory is so before all is killed
ok sysct config set box limits.memory=256M
ok sysct start box --wait
expect 1 inside box dd if=/dev/zero of=/tmp/x bs=1M count=400
has "$(cat "$ERR")" 'No space left' "a full /tmp"
same "$(inside box systemctl is-system-running)" running "the system"
ok inside box rm /tmp/x
# and what it says of /tmp itself counts
ok inside box sh -c 'mkdir -m 1777 /srv/tmp; echo "/srv/tmp /tmp none bind 0 0" >>/etc/fstab'
ok sysct restart box
ok sysct wait --for booted box
same "$(inside box sh -c 'findmnt -no FSROOT /tmp; systemctl is-system-running')" "/srv/tmp
running" "/tmp of /etc/fstab"
ok sysct stop box
