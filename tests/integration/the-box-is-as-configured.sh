#!/bin/sh
# Host name, variables, the image's name and size, and whom attach enters as are what the configuration says; what is for people
# is shown to them.
# shows: container.hostname container.environment_id container.description container.user rootfs.image rootfs.size environment
# shows: template.name template.release template.arch template.variant template.source template.checksum
. "${0%/*}/lib.sh"

busybox box --set rootfs.size=300M --set container.hostname=web.example --set container.environment_id=my-id --set 'environment.GREETING=hello; you' \
    --set environment.EMPTY= --set rootfs.image=disk.img
dir=$SYSCT_STATE_DIR/containers/box
program=$(readlink -f "$(sh -c 'command -v busybox')")
same "$(sysct config get box | grep '^template\.' | sort)" "template.arch = $(uname -m)
template.checksum = $(sha256sum <"$program" | cut -d' ' -f1)
template.name = busybox
template.release = host
template.source = $program
template.variant = default" "what it was made of"
ok sysct start box --wait
same "$(inside box hostname)" web.example "host name"
same "$(field box hostname)" web.example "host name in info"
has "$(inside box cat /etc/hosts)" '127\.0\.1\.1.web\.example web box$' /etc/hosts
for command in 'tr "\\0" "\\n" </proc/1/environ' env; do
    env=$(inside box sh -c "$command")
    has "$env" '^container=my-id$' "what $command prints"
    has "$env" '^GREETING=hello; you$' "what $command prints"
    has "$env" '^EMPTY=$' "what $command prints"
done

say "the image"
[ -f "$dir/disk.img" ] || fail "there is no disk.img"
[ ! -e "$dir/rootfs.img" ] || fail "there is a rootfs.img"
same "$(field box rootfs)" "$dir/disk.img" "rootfs in info"
same "$(stat -c %s "$dir/disk.img")" $((300 * 1024 * 1024)) "size of the file"
same "$(field box disk_size)" $((300 * 1024 * 1024)) "size in info"
blocks=$(inside box df -k / | awk 'END { print $2 }')
{ [ "$blocks" -gt 200000 ] && [ "$blocks" -le 307200 ]; } || fail "the file system has $blocks KiB"
# another one, and where it is not in the container's directory
ok sysct stop box --now
cp --sparse=always "$dir/disk.img" "$TEST_TMP/copy.img"
chmod 600 "$TEST_TMP/copy.img"
ok sysct config set box "rootfs.image=$TEST_TMP/copy.img"
ok sysct start box --wait
ok inside box touch /on-the-copy
ok sysct stop box --now
same "$(debugfs -R 'ls -p /' "$TEST_TMP/copy.img" 2>/dev/null | grep -c /on-the-copy/)" 1 "written to the copy"
same "$(debugfs -R 'ls -p /' "$dir/disk.img" 2>/dev/null | grep -c /on-the-copy/)" 0 "written to the other one"
ok sysct config set box rootfs.image=disk.img
ok sysct start box --wait

say "a host name that finds no room is the next start's"
inside box sh -c 'mkdir /fill && fallocate -l "$(($(df -k / | awk "END { print \$4 }") - 1024))k" /fill/most
    for n in 1 2 3; do cat /dev/zero >/fill/$n; sync; done
    while echo >/fill/small$n; do n=$((n + 1)); done' 2>/dev/null
ok sysct stop box --now
ok sysct config set box container.hostname=db.example
ok sysct start box --wait
has "$(cat "$ERR")" 'its host name could not be written' "what start says"
has "$(sysct logs box)" 'the new host name could not be written: .*No space' "what the console says"
same "$(inside box cat /etc/hostname)" web.example /etc/hostname
ok inside box rm -r /fill
ok sysct restart box
same "$(cat "$ERR")" "" "what restart says"
same "$(inside box cat /etc/hostname)" db.example /etc/hostname
has "$(inside box cat /etc/hosts)" '127\.0\.1\.1.db\.example db box$' /etc/hosts

say "whom attach enters as, at once"
same "$(inside box id -u)" 0 "the user"
ok sysct config set box container.user=nobody
same "$(inside box sh -c 'echo $(id -u) $USER')" "65534 nobody" "the user"
ok sysct config set box container.user=1234:100
same "$(inside box sh -c 'echo $(id -u) $(id -g)')" "1234 100" "the user and group"
same "$(sysct attach -T -u root box -- id -u </dev/null)" 0 "what -u says goes before"

say "for people"
ok sysct config set box container.description='Büro; "the first"' template.name=mine template.release=7 template.arch=aarch64 \
    template.variant=small template.source=https://example.org/mine template.checksum=sha256:1234
info=$(sysct info box)
sysct info box --format json | python3 -c '
import json, sys
box = json.load(sys.stdin)
got = [box[key] for key in "description template release arch variant source checksum".split()]
assert got == ["Büro; \"the first\"", "mine", "7", "aarch64", "small", "https://example.org/mine", "sha256:1234"], got'
for line in 'Description: +Büro; "the first"' 'Template: +mine' 'Release: +7' 'Architecture: +aarch64' 'Variant: +small' \
    'Source: +https://example.org/mine' 'Checksum: +sha256:1234'; do
    has "$info" "^$line\$" "info for people"
done
has "$(sysct list)" '^box .* mine +7 ' list
