#!/bin/sh
# timeout: 240
# Root of a hardened container does not get out, with 32-bit calls neither.
. "${0%/*}/lib.sh"
. "$REPO/tests/attack/boxes.sh"

attack_box box --set security.hardened=yes
attack_run box
attack_judge hardened
