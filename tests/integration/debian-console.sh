#!/bin/sh
# The console of Debian: a login prompt or shell, kept over a reboot, ^a q leaves.
# timeout: 600
. "${0%/*}/lib.sh"

debian trixie box
ok sysct start box --wait
terminal --timeout=90 'send=\r' 'expect=(login: |[#$] )' 'send=\x01q' exit=0 -- sysct console box || fail "prompt"
terminal --timeout=90 'send=\r' 'expect=(login: |[#$] )' 'quiet=0.5' 'send=reboot\r' 'expect=systemd' 'expect=(login: |[#$] )' \
    'send=\x01q' exit=0 -- sysct console box || fail "over a reboot"
