#!/bin/sh
# An unknown template: the nearest one is named.
. "${0%/*}/lib.sh"

mark
refused 2 'busybix' sysct create box --template busybix
has "$(cat "$ERR")" 'busybox' "did you mean"
unchanged
