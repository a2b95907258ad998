#!/bin/sh
# names.sh BOX CANARY: names, values, files of the configuration and the control socket as ways to the host (F1 to F8). BOX is a container
# that runs; CANARY is a new directory.
HERE=$(cd "${0%/*}" && pwd)
# shellcheck source=tests/attack/lib.sh
. "$HERE/lib.sh"

[ $# = 2 ] || die "usage: names.sh BOX CANARY"
BOX=$1
CANARY=$2
CONFIG=$SYSCT_STATE_DIR/containers/$BOX/config
canary "$CANARY"
tree "$CANARY" >"$CANARY.before"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/attack-XXXXXX")
trap 'rm -rf "$WORK" "$CANARY.before"' EXIT
untouched() { tree "$CANARY" | cmp -s "$CANARY.before" -; }
state() { (cd "$SYSCT_STATE_DIR" && find . ! -name 'console.log*' ! -name rootfs.img -printf '%p %m %U %i\n' | sort; sha256sum "$CONFIG"); }

# --- F1: names ---
long=$(printf '%064d' 0)
state >"$WORK/before"
wrong=''
n=0
# line by line; %b makes the strange ones
while read -r name; do
    name=$(printf '%b.' "$name")
    name=${name%.}
    for command in 'create --template busybox --' 'start --' 'stop --now --' 'destroy --force --' 'info --' 'attach -T' 'config get'; do
        n=$((n + 1))
        rc=0
        # shellcheck disable=SC2086 # a command with its options
        case $command in
        attach*) timeout 10 sysct $command -- "$name" true ;;
        *) timeout 10 sysct $command "$name" ;;
        esac >"$WORK/out" 2>&1 </dev/null || rc=$?
        case $command:$rc in
        attach*:125 | *:2) ;;
        *) wrong="$wrong $command \"$name\": status $rc;" ;;
        esac
    done
done <<EOS
..
.
../$BOX
$BOX/../$BOX
/etc
/
$BOX/
-rf
a/../../../../../../../../../$CANARY/dir
$long
Box
a_b
a.b
.host
a\\nb
a\\tb
a\\033b
\\303\\251
a b
*
\$(touch $CANARY/made)
;touch
EOS
state >"$WORK/after"
if [ -n "$wrong" ]; then breach F1-names "$wrong"
elif ! cmp -s "$WORK/before" "$WORK/after" || ! untouched; then breach F1-names "something was changed"
else pass F1-names "$n commands with a bad name: refused, nothing changed"; fi

# --- F2: a value that would be more than a value ---
sum=$(sha256sum <"$CONFIG")
wrong=''
lf='
'
cr=$(printf '\r')
esc=$(printf '\033')
for value in "a${lf}[security]${lf}privileged = yes" "a${cr}b" "a${esc}[2J" "$(printf 'a\302\205b')" "$(printf 'a\377b')"; do
    for key in container.description environment.A container.hostname container.init mount./mnt.source network.eth0.dns; do
        if sysct config set "$BOX" "$key=$value" >/dev/null 2>&1; then wrong="$wrong $key;"; fi
    done
done
[ "$(sha256sum <"$CONFIG")" = "$sum" ] || wrong="$wrong the file has changed"
if [ -z "$wrong" ]; then pass F2-values "no line can be made by a value"; else breach F2-values "taken:$wrong"; fi
# what looks like a comment, a section or a quote is only text, and comes back as it went in
wrong=''
# shellcheck disable=SC1003 # a backslash at the end
for value in '# a' '; a' '[security]' 'a ; b' 'a # b' '"a' "'a" 'a\' '  a  ' '=a' 'a = b' '$(touch /x)' '%s%n' '+= a'; do
    sysct config set "$BOX" "container.description=$value" >/dev/null 2>&1 || continue
    got=$(sysct config get "$BOX" container.description)
    [ "$got" = "$value" ] || wrong="$wrong \"$value\" comes back as \"$got\";"
    [ "$(sysct config get "$BOX" security.privileged)" != yes ] || wrong="$wrong \"$value\" makes it privileged;"
done
sysct config unset "$BOX" container.description >/dev/null 2>&1 || :
if [ -z "$wrong" ]; then pass F2-text "what is written is what is read"; else breach F2-text "$wrong"; fi

# --- F3: whose configuration ---
cp -p "$CONFIG" "$WORK/config"
wrong=''
refuses() {
    if sysct config get "$BOX" container.init >/dev/null 2>&1; then wrong="$wrong $1 (config);"; fi
    if sysct attach -T "$BOX" -- true >/dev/null 2>&1 </dev/null; then wrong="$wrong $1 (attach);"; fi
}
chmod 0620 "$CONFIG" && refuses "a file that its group may write"
chmod 0602 "$CONFIG" && refuses "a file that everybody may write"
chmod 0600 "$CONFIG" && chown 65534 "$CONFIG" && refuses "a file of somebody else"
chown 0 "$CONFIG" && mv "$CONFIG" "$WORK/moved" && ln -s "$WORK/moved" "$CONFIG" && refuses "a link"
rm "$CONFIG" && mkfifo "$CONFIG" && refuses "a FIFO"
rm "$CONFIG" && cp -p "$WORK/config" "$CONFIG"
if [ -z "$wrong" ]; then pass F3-config "no configuration that others can write is read"; else breach F3-config "read:$wrong"; fi
# nothing inside an image is configuration
sysct attach -T "$BOX" -- sh -c 'mkdir -p /etc/sysct; printf "[security]\nprivileged = yes\n" | tee /etc/sysct/sysct.conf /config /sysct.conf >/dev/null' </dev/null
before=$(sysct config get "$BOX" security.privileged)
same_text F3-inside "privileged, after the container has written what looks like it" "$(sysct config get "$BOX" security.privileged)" "$before"

# --- F4: no shell looks at what is configured ---
for value in "\$(touch $CANARY/made)" "\`touch $CANARY/made\`" "x; touch $CANARY/made" "--checkpoint-action=exec=touch $CANARY/made" "| touch $CANARY/made"; do
    for key in container.description environment.X network.eth0.search template.source container.init; do
        timeout 10 sysct config set "$BOX" "$key=$value" >/dev/null 2>&1 || continue
        timeout 10 sysct attach -T "$BOX" -- true >/dev/null 2>&1 </dev/null || :
        sysct info "$BOX" >/dev/null 2>&1 || :
    done
done
timeout 20 sysct create --template tarball --source "--checkpoint-action=exec=touch $CANARY/made" -- x-x >/dev/null 2>&1 || :
timeout 20 sysct create --template "../../../$CANARY/program" -- x-x >/dev/null 2>&1 || :
timeout 20 sysct create --template busybox --mirror "\$(touch $CANARY/made)" --packages "\$(touch $CANARY/made)" -- x-x >/dev/null 2>&1 || :
cp -p "$WORK/config" "$CONFIG"
[ ! -d "$SYSCT_STATE_DIR/containers/x-x" ] || sysct destroy --force x-x >/dev/null 2>&1 || :
verdict F4-shell "nothing that is configured is executed" untouched

# --- F5: directories that somebody else has made ---
wrong=''
made() {
    if sysct --run-dir "$WORK/r" --state-dir "$WORK/s" --cache-dir "$WORK/c" create x --template busybox >/dev/null 2>"$WORK/err"; then
        wrong="$wrong $1;"
        sysct --run-dir "$WORK/r" --state-dir "$WORK/s" --cache-dir "$WORK/c" destroy --force x >/dev/null 2>&1 || :
    fi
    rm -rf "$WORK/r" "$WORK/s" "$WORK/c" "$WORK/elsewhere"
}
for dir in r s c; do
    mkdir "$WORK/$dir" && chown 65534 "$WORK/$dir" && made "$dir of somebody else"
    mkdir "$WORK/$dir" && chmod 0777 "$WORK/$dir" && made "$dir that everybody may write"
    mkdir "$WORK/elsewhere" && ln -s elsewhere "$WORK/$dir" && made "$dir is a link"
done
if [ -z "$wrong" ]; then pass F5-directories "run, state and cache directories of others are refused"; else breach F5-directories "taken:$wrong"; fi

# --- F6, F7: sockets ---
same_text F6-abstract "abstract sockets" "$(awk '$8 ~ /^@.*sysct/ { print $8 }' /proc/net/unix | tr '\n' ' ')" ""
# whoever is not root does not get to it, and who is may say what he wants
cat >"$WORK/speak.py" <<'EOP'
import array, os, random, socket, sys, time
path, uid = sys.argv[1], int(sys.argv[2])
os.chdir(os.path.dirname(path))
if uid:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
random.seed(1)
magic = None
for i in range(200):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(2)
    for again in range(200):
        try:
            s.connect("control")
            break
        except PermissionError:
            print("denied")
            sys.exit(0)
        except BlockingIOError:  # it has not come to those before
            time.sleep(0.01)
    try:
        for k in range(4):
            s.send(random.randbytes(random.choice([1, 3, 16, 17, 400, 5000])))
        s.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    except (BrokenPipeError, ConnectionResetError):
        pass
    s.close()
print("spoke")
EOP
control=$SYSCT_RUN_DIR/$BOX/control
chmod 0711 "$SYSCT_RUN_DIR/$BOX"	# even if somebody opens the directory
chmod 0755 "$WORK"
got=$(python3 "$WORK/speak.py" "$control" 65534 2>&1 | tail -n 1)
chmod 0700 "$SYSCT_RUN_DIR/$BOX"
same_text F7-others "another user at the control socket" "$got" denied
monitor=$(sysct info "$BOX" --format json | jq .monitor_pid)
fds=$(find "/proc/$monitor/fd" | wc -l)
got=$(python3 "$WORK/speak.py" "$control" 0 2>&1 | tail -n 1)
sleep 0.2
if [ "$got" != spoke ]; then breach F7-noise "$got"
elif ! sysct attach -T "$BOX" -- true </dev/null || [ "$(sysct info "$BOX" --format json | jq .monitor_pid)" != "$monitor" ]; then breach F7-noise "the monitor did not live"
elif [ "$(find "/proc/$monitor/fd" | wc -l)" -gt "$fds" ]; then breach F7-noise "the monitor keeps descriptors"
else pass F7-noise "200 callers who speak another language"; fi
# the notify socket is inside: its senders pass descriptors, a lot of them, and lie about the boot
sysct attach -T "$BOX" -- sh -c 'for i in 1 2 3 4 5; do /attack/inside notify /run/host/notify; done' </dev/null >/dev/null 2>&1 || :
sleep 0.2
if [ "$(find "/proc/$monitor/fd" | wc -l)" -gt "$fds" ]; then breach F7-notify "the monitor keeps the descriptors that it is sent"
else pass F7-notify "descriptors that nobody asked for are closed"; fi

# --- F8: nobody's setuid programs ---
same_text F8-setuid "setuid and setgid files of the installation" \
    "$(find "$SYSCT_DATA_DIR" "$SYSCT_LIBEXEC_DIR" "$(command -v sysct)" -type f -perm /6000 2>/dev/null | head -n 3 | tr '\n' ' ')" ""
