#!/bin/sh
# An archive that tries to write elsewhere: absolute names, "..", through its own links, hard links to what is outside,
# device nodes, more than fits. Nothing outside changes, and no half container is left.
# timeout: 120
. "${0%/*}/lib.sh"

canary=$TEST_TMP/canary
mkdir -p "$canary/dir"
echo untouched >"$canary/file"
digest() { (cd "$canary" && find . -printf '%p %m %U %n %s %l\n' | sort && cat file) | sha256sum; }
before=$(digest)

cat >"$TEST_TMP/make.py" <<'EOS'
import io, os, sys, tarfile
out, canary = sys.argv[1:]

def archive(name, *members):
    with tarfile.open(f"{out}/{name}.tar", "w") as tar:
        # enough of a system to be taken for one
        for path in ("sbin", "etc", "bin"):
            add(tar, path, tarfile.DIRTYPE, mode=0o755)
        add(tar, "bin/busybox", data=open("/bin/busybox", "rb").read(), mode=0o755)
        for path in ("bin/sh", "bin/true", "sbin/init"):
            add(tar, path, tarfile.SYMTYPE, linkname="/bin/busybox")
        add(tar, "etc/os-release", data=b"ID=evil\nNAME=evil\n")
        for member in members:
            add(tar, **member)

def add(tar, name, type=tarfile.REGTYPE, data=b"", mode=0o644, **more):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode = type, len(data), mode
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))

up = "../" * 12
link = dict(type=tarfile.SYMTYPE)
hard = dict(type=tarfile.LNKTYPE)
archive("absolute", dict(name=f"{canary}/new", data=b"x"))
archive("parent", dict(name=f"{up}{canary[1:]}/new", data=b"x"))
archive("inner-parent", dict(name=f"etc/{up}{canary[1:]}/new", data=b"x"))
archive("through-link", dict(name="way", linkname=canary, **link), dict(name="way/new", data=b"x"))
archive("through-relative-link", dict(name="way", linkname=up + canary[1:], **link), dict(name="way/new", data=b"x"))
archive("through-two-links", dict(name="a", linkname=up, **link), dict(name="b", linkname="a" + canary, **link),
        dict(name="b/new", data=b"x"))
archive("over-link", dict(name="f", linkname=f"{canary}/file", **link), dict(name="f", data=b"overwritten\n"))
archive("hard-link", dict(name="f", linkname=f"{canary}/file", **hard), dict(name="f", data=b"overwritten\n"))
archive("hard-link-parent", dict(name="f", linkname=up + f"{canary[1:]}/file", **hard))
archive("hard-link-through-link", dict(name="way", linkname=canary, **link), dict(name="f", linkname="way/file", **hard))
archive("directory-over-link", dict(name="way", linkname=canary, **link),
        dict(name="way", type=tarfile.DIRTYPE, mode=0o777), dict(name="way/new", data=b"x"))
archive("etc-is-a-link", dict(name="etc2", linkname=canary, **link), dict(name="etc2/hostname", data=b"x"))
archive("bomb", dict(name="big", data=b"\0" * (150 << 20)))
archive("devices", dict(name="disk", type=tarfile.BLKTYPE, devmajor=8, devminor=0, mode=0o666),
        dict(name="mem", type=tarfile.CHRTYPE, devmajor=1, devminor=1, mode=0o666),
        dict(name="usr", type=tarfile.DIRTYPE, mode=0o755), dict(name="usr/su", data=b"x", mode=0o4755))
with open(f"{out}/cut.tar", "wb") as cut:
    cut.write(open(f"{out}/parent.tar", "rb").read()[:4000])
EOS
mkdir "$TEST_TMP/archives"
ok python3 "$TEST_TMP/make.py" "$TEST_TMP/archives" "$canary"

# what a tar made of it that knows no better: the tricks do work
( cd "$TEST_TMP" && mkdir naive && tar -P -C naive -xf archives/absolute.tar ) || fail "the control did not unpack"
[ -e "$canary/new" ] || fail "the control has no effect: the archives are harmless"
rm "$canary/new"
same "$(digest)" "$before" "the canary before"

mark
for file in "$TEST_TMP"/archives/*.tar; do
    name=${file##*/}
    name=${name%.tar}
    got=0
    sysct create "$name" --template tarball --source "$file" --size 128M >"$OUT" 2>"$ERR" || got=$?
    say "$name: status $got: $(grep -m 1 '^sysct: create ' "$ERR" || :)"
    same "$(digest)" "$before" "the canary after $name"
    case $name in
    devices)
        [ "$got" = 0 ] || fail "an archive with device nodes cannot be used at all: $(cat "$ERR")"
        grep -q -i 'device' "$ERR" || fail "nothing is said of the nodes that were left out: $(cat "$ERR")"
        same "$(debugfs -R 'stat /disk' "$SYSCT_STATE_DIR/containers/devices/rootfs.img" 2>&1 | grep -c 'File not found')" 1 "a block device in the image"
        debugfs -R 'stat /usr/su' "$SYSCT_STATE_DIR/containers/devices/rootfs.img" 2>/dev/null | grep -q 'Mode: *04755' || fail "setuid was lost"
        ok sysct destroy devices
        ;;
    over-link | directory-over-link)
        # harmless where the link is replaced and not followed
        [ "$got" != 0 ] || ok sysct destroy "$name"
        ;;
    *)
        [ "$got" != 0 ] || fail "$name was taken"
        [ "$(grep -c '^sysct: create ' "$ERR")" = 1 ] || fail "not one line of error: $(cat "$ERR")"
        [ ! -e "$SYSCT_STATE_DIR/containers/$name" ] || fail "half of $name is left"
        ;;
    esac
done
unchanged
