#!/bin/sh
# reboot from inside: the same box comes back with its name, address and files.
# timeout: 120
. "${0%/*}/lib.sh"

alpine box
ok sysct start box --wait
inside box sh -c 'echo kept >/root/file; echo gone >/run/file'
before="$(inside box hostname) $(field box ipv4) $(field box hwaddr) $(field box idmap)"
inside box reboot || :
again() { [ ! -f "$TEST_TMP/x" ] && inside box sh -c '! [ -e /run/file ] && [ -e /root/file ]'; }
eventually 40 again
same "$(inside box hostname) $(field box ipv4) $(field box hwaddr) $(field box idmap)" "$before" "name, address and ids"
same "$(inside box cat /root/file)" kept "a file"
ok sysct stop box
