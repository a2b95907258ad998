#!/bin/sh
# Unknown commands, options and boxes: exit status and a hint.
. "${0%/*}/lib.sh"

refused 2 'strat' sysct strat box
has "$(cat "$ERR")" 'start' "did you mean"
refused 2 'wiat' sysct start box --wiat
refused 2 'copy' sysct copy a b
busybox alpha
refused 3 'alpah' sysct start alpah
has "$(cat "$ERR")" 'alpha' "did you mean"
