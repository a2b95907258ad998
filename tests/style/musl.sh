#!/bin/sh
# What sysct is built of: two programs where musl-gcc makes the small one, else one, whatever lies about.
set -eu
cd "$(dirname "$0")/../.."
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

# programs NAME OPTIONS...: of a build that is set up with these options
programs() {
    name=$1
    shift
    meson setup -Dtests=false "$@" "$TMP/$name" >"$TMP/log" 2>&1 || { tail -n 20 "$TMP/log" >&2; return 1; }
    meson introspect --targets "$TMP/$name" | python3 -c '
import json, sys
print(*sorted(t["name"] for t in json.load(sys.stdin) if t["name"] in ("sysct", "sysct-main")))'
}

want() {
    [ "$2" = "$3" ] || {
        echo "$1: \"$2\" instead of \"$3\""
        exit 1
    }
}

want "as it is here" "$(programs plain)" "sysct sysct-main"
want "with -Dmusl=disabled" "$(programs disabled -Dmusl=disabled)" "sysct"

cat >"$TMP/cross.ini" <<EOS
[binaries]
c = 'cc'
ar = 'ar'
strip = 'strip'
pkgconfig = 'pkg-config'
[host_machine]
system = 'linux'
cpu_family = '$(uname -m)'
cpu = '$(uname -m)'
endian = 'little'
EOS
want "for another machine" "$(programs cross --cross-file "$TMP/cross.ini")" "sysct"

mkdir "$TMP/bin"
cat >"$TMP/bin/musl-gcc" <<'EOS'
#!/bin/sh
case "$*" in -print-multiarch | *--version*) exec cc "$@" ;; esac
echo "cannot find -l:rcrt1.o" >&2
exit 1
EOS
chmod 755 "$TMP/bin/musl-gcc"
PATH=$TMP/bin:$PATH
want "with a musl-gcc without archives" "$(programs broken)" "sysct"
if programs enabled -Dmusl=enabled 2>"$TMP/said"; then
    echo "-Dmusl=enabled with such a musl-gcc is one program, in silence"
    exit 1
fi
grep -q 'rcrt1.o' "$TMP/said" || { cat "$TMP/said"; exit 1; }
