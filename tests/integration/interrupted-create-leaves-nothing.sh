#!/bin/sh
# ^C during create, at any moment: status 130 and nothing is left; the name can be used again.
# timeout: 120
. "${0%/*}/lib.sh"

mark
n=0
while [ $n -lt 12 ]; do
    # a cache of its own: so that something is built each time
    rm -rf "$TEST_TMP/cache"
    setsid sysct create box --template busybox >"$OUT" 2>"$ERR" &
    client=$!
    python3 -c 'import sys, time; time.sleep(int(sys.argv[1]) * 0.03)' $n
    kill -INT $client 2>/dev/null || :
    rc=0
    wait $client || rc=$?
    case $rc in
    0) ok sysct destroy box ;;
    130) [ ! -e "$SYSCT_STATE_DIR/containers/box" ] || fail "interrupted, and the box is there" ;;
    *) fail "status $rc: $(cat "$ERR")" ;;
    esac
    unchanged 5
    n=$((n + 1))
done
# and once in the middle of a real installation of packages
mirror
cp -r "$MIRROR" "$TEST_TMP/mirror"
sysct create box --template alpine --mirror "$TEST_TMP/mirror" >"$OUT" 2>"$ERR" &
client=$!
# when there is something to install into, and a little later
python3 - "$SYSCT_CACHE_DIR" <<'EOF'
import glob, sys, time
end = time.monotonic() + 30
while not glob.glob(sys.argv[1] + "/images/*.partial-*/rootfs.img") and time.monotonic() < end:
    time.sleep(0.005)
time.sleep(0.1)
EOF
kill -INT $client
rc=0
wait $client || rc=$?
same $rc 130 "status: $(cat "$ERR")"
unchanged 5
create box --template busybox
