#!/bin/sh
# poweroff inside Debian: stopped, and nothing of the run is left.
# timeout: 600
. "${0%/*}/lib.sh"

debian trixie box
warm box
mark
ok sysct start box --wait
inside box systemctl poweroff || :
eventually 60 in_state box stopped
unchanged 10
