#!/bin/sh
# Unknown commands, options and boxes: exit status and a hint.
. "${0%/*}/lib.sh"

refused 2 'strat' sysct strat box
has "$(cat "$ERR")" 'start' "did you mean"
refused 2 'wiat' sysct start box --wiat
expect 2 sysct copy a b
has "$(cat "$ERR")" 'not in this version' "a command that is still to come"
busybox alpha
refused 3 'alpah' sysct start alpah
has "$(cat "$ERR")" 'alpha' "did you mean"
