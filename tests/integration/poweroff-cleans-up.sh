#!/bin/sh
# poweroff from inside: the box is stopped and the host as before, without any command.
# timeout: 120
. "${0%/*}/lib.sh"

alpine box
warm box
mark
ok sysct start box --wait
inside box poweroff || :
eventually 40 in_state box stopped
unchanged 10
ok sysct start box --wait
ok sysct stop box
