#!/bin/sh
# The template `download`: a tiny image server on the loopback, whose one product is made of the tree of a box; what it
# must refuse is refused.
# timeout: 240
. "${0%/*}/lib.sh"

for tool in jq gpg gpgv xz; do command -v $tool >/dev/null || skip "no $tool"; done
site=$TEST_TMP/site
port=$((20000 + $$ % 20000))
url=http://127.0.0.1:$port
arch=$(dpkg --print-architecture 2>/dev/null || echo amd64)

# ---- a tree: Alpine as its template makes it, packed as image servers do -------------------------------
mirror
alpine first
ok sysct start first --wait
build=images/alpine/3.19/$arch/default/20260101_13:00
old=images/alpine/3.19/$arch/default/20251231_13:00
mkdir -p "$site/$build" "$site/$old" "$site/streams/v1"
inside first sh -c 'echo 3.19 >/etc/from-the-server; printf "auto eth0\niface eth0 inet dhcp\n" >/etc/network/interfaces
    tar -C / --exclude=./proc --exclude=./sys --exclude=./dev --exclude=./run --exclude=./tmp -cf - . 2>/dev/null' |
    xz -0 >"$site/$build/rootfs.tar.xz"
ok sysct stop --now first
echo "not this one" >"$site/$old/rootfs.tar.xz"

# ---- its lists, signed with a key of today ---------------------------------------------------------------
GNUPGHOME=$TEST_TMP/gnupg
export GNUPGHOME
mkdir -m 0700 "$GNUPGHOME"
defer gpgconf --kill all
new_key() { ok gpg --batch --quiet --passphrase '' --quick-generate-key "$1" rsa2048 sign never; }
new_key server@test
new_key other@test
gpg --export server@test >"$TEST_TMP/server.gpg"
gpg --armor --export server@test >"$TEST_TMP/server.asc"
gpg --export other@test >"$TEST_TMP/other.gpg"

# list SHA256 [CGROUP]: the lists with that sum of the image
list() {
    python3 - "$site" "$arch" "$build" "$old" "$1" "${2:-}" <<'EOS'
import json, os, sys
site, arch, build, old, sha, cgroup = sys.argv[1:]
size = os.path.getsize(site + "/" + build + "/rootfs.tar.xz")
item = lambda path, sha, size: {"root.tar.xz": {"ftype": "root.tar.xz", "path": path + "/rootfs.tar.xz", "sha256": sha, "size": size},
                                "lxd.tar.xz": {"ftype": "lxd.tar.xz", "path": path + "/lxd.tar.xz", "sha256": "0" * 64, "size": 1}}
products = {"alpine:3.19:%s:default" % arch: {
    "aliases": "alpine/3.19/default,alpine/3.19", "arch": arch, "os": "Alpine", "release": "3.19", "release_title": "3.19",
    "requirements": {"cgroup": cgroup} if cgroup else {}, "variant": "default",
    "versions": {"20260101_13:00": {"items": item(build, sha, size)}, "20251231_13:00": {"items": item(old, "1" * 64, 14)}}}}
json.dump({"format": "products:1.0", "products": products}, open(site + "/streams/v1/images.json", "w"))
json.dump({"format": "index:1.0", "index": {"images": {"datatype": "image-downloads", "path": "streams/v1/images.json",
           "format": "products:1.0", "products": list(products)}}}, open(site + "/streams/v1/index.json", "w"))
EOS
    sign server@test
}
sign() {
    for l in index images; do
        ok gpg --batch --quiet --yes --local-user "$1" --output "$site/streams/v1/$l.sjson" --clear-sign "$site/streams/v1/$l.json"
    done
}
sum=$(sha256sum "$site/$build/rootfs.tar.xz" | cut -d' ' -f1)
list "$sum"

python3 -m http.server --bind 127.0.0.1 --directory "$site" "$port" >"$TEST_TMP/server.log" 2>&1 &
defer kill $!
eventually 10 curl -sf -o /dev/null "$url/streams/v1/index.json"
take() {
    name=$1
    shift
    sysct create "$name" --template download --mirror "$url" "$@"
}

# ---- what it refuses ----------------------------------------------------------------------------------------
mark
signed="--keyring $TEST_TMP/server.gpg"
# shellcheck disable=SC2086 # two words
{
    refused 5 'plain http' take box --release alpine/3.19
    refused 5 'verification of .*index' take box --release alpine/3.19 --keyring "$TEST_TMP/other.gpg"
    refused 2 "did you mean 'alpine'" take box --release alpin/3.19 $signed
    refused 2 "it has: alpine/3.19" take box --release alpine/3.99 $signed
    refused 2 "no variant 'cloud'.*it has: default" take box --release alpine/3.19/cloud $signed
    refused 2 'two variants' take box --release alpine/3.19/cloud --variant default $signed
    refused 2 'needs to know what' take box $signed
    refused 2 'not of the form' take box --release '/etc/passwd' $signed

    list "$(printf '%064d' 7)"
    refused 5 'verification of .*SHA-256' take box --release alpine/3.19 $signed
    list "$sum"
    sed -i 's/20260101/20260102/' "$site/streams/v1/images.sjson"
    refused 5 'verification of .*images.*BAD signature' take box --release alpine/3.19 $signed
    sign other@test
    refused 5 'verification of ' take box --release alpine/3.19 $signed
    list "$sum"
    rm "$site/streams/v1/images.sjson"
    refused 5 'has no streams/v1/images.sjson' take box --release alpine/3.19 $signed
    list "$sum"
    cp "$site/$build/rootfs.tar.xz" "$TEST_TMP/whole"
    head -c 500000 "$TEST_TMP/whole" >"$site/$build/rootfs.tar.xz"
    refused 5 'verification of .*500000 bytes instead of' take box --release alpine/3.19 $signed
    cp "$TEST_TMP/whole" "$site/$build/rootfs.tar.xz"
}
unchanged

# ---- what it gives --------------------------------------------------------------------------------------------
create box --template download --mirror "$url" --release alpine/3.19 --keyring "$TEST_TMP/server.asc"
ok sysct start box --wait
same "$(inside box cat /etc/from-the-server)" 3.19 "a file of the image"
same "$(inside box hostname)" box hostname
same "$(inside box rc-status --crashed)" "" "failed services"
has "$(inside box ip -4 -o addr show eth0)" 'inet ' "the address of eth0"
eventually 20 sh -c 'sysct logs box | grep -q "root@\|box:~#"'
same "$(inside box grep -c '^[^#]*getty' /etc/inittab)" 1 "gettys"
ok sysct stop box
# without a signature, from a directory of the host, and from http by --no-verify
ok sysct create plain --template download --mirror "$site" --release alpine/3.19 --variant default
defer remove plain
has "$(cat "$ERR")" 'not checked by a signature' note
defer remove careless
ok take careless --release alpine/3.19 --no-verify
has "$(cat "$ERR")" 'NOT checked' warning
