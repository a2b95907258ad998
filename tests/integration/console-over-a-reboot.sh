#!/bin/sh
# The console shows a login prompt or shell, ^a q leaves it, and it goes on over a reboot from inside.
# timeout: 120
. "${0%/*}/lib.sh"

alpine box
ok sysct start box --wait
terminal 'send=\r' 'expect=box:.*[#$] ' 'send=echo con$((1+1))sole\r' 'expect=con2sole' 'send=\x01q' exit=0 -- \
    sysct console box || fail "talk and leave"
terminal --timeout=60 'send=\r' 'expect=[#$] ' 'send=reboot\r' 'expect=OpenRC' 'quiet=3' 'send=\r' 'expect=box:.*[#$] ' \
    'send=\x01q' exit=0 -- sysct console box || fail "over a reboot"
