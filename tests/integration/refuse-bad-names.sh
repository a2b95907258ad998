#!/bin/sh
# Malformed names, and a name that is taken.
. "${0%/*}/lib.sh"

mark
long=$(printf '%064d' 0)
for name in A -x x- a_b a.b a/b .. '' ' ' "$long" 'a
b' 'é'; do
    refused 2 'name' sysct create --template busybox -- "$name"
    refused 2 'name' sysct start -- "$name"
done
for command in start stop restart freeze thaw kill logs info destroy trim wait console 'config get' 'config unset' 'config check'; do
    # shellcheck disable=SC2086 # one word or two
    refused 2 "^sysct: $command BAD: \"BAD\" is no" sysct $command BAD
done
refused 2 '^sysct: create BAD: "BAD" is no' sysct create --template busybox BAD
refused 2 '^sysct: start a\\x0ab: "a\\x0ab" is no' sysct start "a
b"
unchanged
# a prefix names no word that is not the container's: of a command for inside, or of an option
refused 125 '^sysct: attach BAD: "BAD" is no' sysct attach BAD -- true
refused 125 '^sysct: attach BAD: "BAD" is no' sysct attach -u root BAD true
refused 3 '^sysct: logs box: ' sysct logs -n 5 box
busybox box
config=$(cat "$SYSCT_STATE_DIR/containers/box/config")
refused 4 'box' sysct create box --template busybox
same "$(cat "$SYSCT_STATE_DIR/containers/box/config")" "$config" "the box that had the name"
ok sysct start box
