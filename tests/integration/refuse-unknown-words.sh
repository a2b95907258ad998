#!/bin/sh
# Unknown commands, options and boxes: exit status and a hint.
. "${0%/*}/lib.sh"

refused 2 'strat' sysct strat box
has "$(cat "$ERR")" 'start' "did you mean"
refused 2 'wiat' sysct start box --wiat
expect 2 sysct copy a b
has "$(cat "$ERR")" 'not in this version' "a command that is still to come"
refused 2 'there is no "config gte"; did you mean "get"' sysct config gte
busybox alpha
refused 3 'alpah' sysct start alpah
has "$(cat "$ERR")" 'alpha' "did you mean"
# the option that lacks its value is named as it was typed
refused 2 'option --escape needs a value' sysct console alpha --escape
refused 2 'option -e needs a value' sysct console alpha -e
refused 2 'option --lines needs a value' sysct logs alpha --lines
refused 2 'option --timeout needs a value' sysct stop alpha --timeout
