#!/bin/sh
# rootfs.sh BOX CANARY: a hostile root file system. In place of what the manager opens, mounts on or writes, links lead to
# CANARY on the host, FIFOs wait for ever, files stand where directories should (B1 to B9). Each time the container starts
# and is confined, or is refused with an error; soon, and without a trace on the host. BOX is a container that is stopped,
# with an image; CANARY is a new directory. The image is changed without mounting it.
HERE=$(cd "${0%/*}" && pwd)
# shellcheck source=tests/attack/lib.sh
. "$HERE/lib.sh"

[ $# = 2 ] || die "usage: rootfs.sh BOX CANARY"
BOX=$1
CANARY=$2
IMAGE=$SYSCT_STATE_DIR/containers/$BOX/rootfs.img
PROGRAMS=${ATTACK_PROGRAMS:-$HERE/../../build/tests}
LIMIT=15	# seconds
canary "$CANARY"
tree "$CANARY" >"$CANARY.before"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/attack-XXXXXX")
trap 'rm -rf "$WORK" "$CANARY.before"' EXIT
untouched() { tree "$CANARY" | cmp -s "$CANARY.before" -; }

# What this installation has mounted on the host, or of the host.
host_view() { grep -F -e "$SYSCT_STATE_DIR" -e "$SYSCT_RUN_DIR" -e "$CANARY" /proc/self/mountinfo | awk '{ print $4, $5 }' | sort; }

not_mounted() { ! awk '{ print $5, $0 }' /proc/self/mountinfo | grep -v -E "^($SYSCT_RUN_DIR/$BOX/ns|/run/netns/)" | grep -q -E "$SYSCT_STATE_DIR|/dev/loop.*$BOX"; }

# fresh: the image as it was
fresh() { cp --sparse=always --reflink=auto "$IMAGE.saved" "$IMAGE"; }

# edit LINES: debugfs's own commands
# It ends with 0, whatever happened, and repeats each command.
edit() {
    printf '%s\n' "$@" | debugfs -w -f - "$IMAGE" >"$WORK/debugfs" 2>&1
    ! grep -v -E '^(debugfs( |:)|Allocated inode: )' "$WORK/debugfs" | grep -q . || die "debugfs: $(cat "$WORK/debugfs")"
}

has() { debugfs -R "stat $1" "$IMAGE" 2>/dev/null | grep -q '^Inode'; }

# What attacks, for those that run; and a copy of all that to begin with each time.
has attack || edit 'mkdir attack'
! has attack/inside || edit 'rm attack/inside'
edit "write $PROGRAMS/attack-inside attack/inside" 'set_inode_field attack/inside mode 0100755'
cp --sparse=always --reflink=auto "$IMAGE" "$IMAGE.saved"

# try_start ID WHAT: started and confined, or refused; nothing else
try_start() {
    id=$1
    what=$2
    views=$(host_view)
    begin=$(now_ms)
    rc=0
    timeout -k 5 $LIMIT sysct start "$BOX" >"$WORK/out" 2>"$WORK/err" || rc=$?
    took=$(($(now_ms) - begin))
    answer="refused: $(head -n 1 "$WORK/err")"
    if [ $rc = 0 ]; then
        answer=started
        got=$(timeout $LIMIT sysct attach -T "$BOX" -- /bin/busybox sh -c 'cat /canary/file /canary/hosts; ls -a /canary /' </dev/null 2>/dev/null) || :
        case $got in *"do not change me"*) breach "$id" "$what: the canary is seen inside"; sysct stop --now "$BOX" || :; return ;; esac
    fi
    timeout -k 5 $LIMIT sysct stop --now "$BOX" >/dev/null 2>&1 || :
    if [ $rc = 124 ] || [ $rc = 137 ]; then
        breach "$id" "$what: start hangs"
    elif ! untouched; then
        breach "$id" "$what: the canary has changed: $(tree "$CANARY" | diff "$CANARY.before" - | head -n 3 | tr '\n' ' ')"
    elif [ $rc != 0 ] && ! grep -q '^sysct: start ' "$WORK/err"; then
        breach "$id" "$what: no error is told: $(head -n 2 "$WORK/err" | tr '\n' ' ')"
    elif [ "$(host_view)" != "$views" ]; then
        breach "$id" "$what: mounts are left on the host"
    else
        pass "$id" "$what: $answer ($took ms)"
    fi
}

# Where the kernel's file systems are mounted. Each is tried alone: the first one that is refused ends the start.
for dir in dev proc sys run; do
    fresh
    if [ $dir = dev ]; then edit 'rmdir dev/pts' 'rmdir dev/shm'; fi
    edit "rmdir $dir" "symlink $dir $CANARY/dir"
    try_start "B2-$dir" "/$dir is a link to the host"
done
fresh
edit 'rmdir dev/pts' 'rmdir dev/shm' 'rmdir dev' 'mknod dev p'
try_start B2-fifo "/dev is a FIFO"
fresh
edit 'rmdir proc' "symlink proc ../../../../../../../..$CANARY/dir"
try_start B2-dots "/proc is a link with many dots"

# What is written before init runs, by links, FIFOs and directories, all at once: they do not end a start.
fresh
edit 'rm etc/hosts' "symlink etc/hosts $CANARY/hosts" 'rm etc/hostname' "symlink etc/hostname $CANARY/file" \
    'rm etc/resolv.conf' "symlink etc/resolv.conf $CANARY/file" 'cd etc/network' "symlink interfaces $CANARY/file"
try_start B9-links "files of /etc are links to the host"
fresh
edit 'rm etc/hosts' 'cd etc' 'mknod hosts p' 'cd network' 'mknod interfaces p'
try_start B9-fifos "files of /etc are FIFOs"
fresh
edit 'rm etc/hosts' 'mkdir etc/hosts' 'rm etc/passwd' "symlink etc/passwd $CANARY/file"
try_start B9-directories "files of /etc are directories"
fresh
edit 'ln etc etc.real' 'unlink etc' "symlink etc $CANARY/dir"
try_start B9-etc "/etc is a link to the host"

# init itself
fresh
edit 'rm sbin/init' "symlink sbin/init $CANARY/program"
try_start B1-init "/sbin/init is a link to a program of the host"
fresh
edit 'rm sbin/init' 'symlink sbin/init /proc/self/exe'
try_start B1-init-self "/sbin/init is a link to /proc/self/exe"
fresh
edit 'rm sbin/init' 'cd sbin' 'mknod init p' 'set_inode_field init mode 010755'
try_start B1-init-fifo "/sbin/init is a FIFO"
printf '#!/proc/self/exe\n' >"$WORK/script"
fresh
edit 'rm sbin/init' "write $WORK/script sbin/init" 'set_inode_field sbin/init mode 0100755'
try_start B1-interpreter "/sbin/init is a script for /proc/self/exe"

# The same with a loader of the container's own, which then runs as the host's program, and tries to write to it
# (see interp.c). What came of it stands in the image.
loader=$(loader_of "$SYSCT_LIBEXEC_DIR/sysct-main")
if [ -z "$loader" ]; then
    pass A1-init "the program of the host has no loader"
else
    fresh
    has "${loader%/*}" || edit "mkdir ${loader%/*}"
    ! has "$loader" || edit "rm $loader"
    edit "write $PROGRAMS/attack-interp $loader" "set_inode_field $loader mode 0100755" \
        'rm sbin/init' 'symlink sbin/init /proc/self/exe'
    timeout -k 5 $LIMIT sysct start "$BOX" >"$WORK/out" 2>"$WORK/err" || :
    # it ends when it is done
    i=0
    while [ $i -lt 50 ] && sysct list --running -q | grep -q -x "$BOX"; do
        i=$((i + 1))
        sleep 0.1
    done
    sysct stop --now "$BOX" >/dev/null 2>&1 || :
    got=$(debugfs -R 'cat attack/reopened' "$IMAGE" 2>/dev/null)
    case $got in
    outside*WRITABLE*) breach A1-init "as init: $got" ;;
    outside* | inside*) pass A1-init "what was executed as init: $got" ;;
    *) pass A1-init "nothing was executed: $(head -n 1 "$WORK/err")" ;;
    esac
fi

# A place of a mount that the configuration names, behind a link.
fresh
edit "symlink srv.link $CANARY/dir"
if sysct config set "$BOX" "mount./srv.link/made.source=$CANARY/dir/below" mount./srv.link/made.create=yes >/dev/null 2>"$WORK/err"; then
    try_start B5-place "a link stands where a mount is to be made"
    sysct config unset "$BOX" mount./srv.link/made.create >/dev/null
    sysct config unset "$BOX" mount./srv.link/made.source >/dev/null
else
    breach B5-place "$(head -n 1 "$WORK/err")"
fi

# With all of it as it should be it starts, so that the refusals above mean something.
fresh
rm -f "$IMAGE.saved"
sysct start "$BOX" --wait >/dev/null 2>"$WORK/err" || die "the unchanged one does not start: $(cat "$WORK/err")"

# The same place while it runs, and while somebody swaps it with a link to the host, and with one that leads up.
timeout $LIMIT sysct attach -T "$BOX" -- sh -c "mkdir -p /srv/place $CANARY/dir && ln -s $CANARY/dir /srv/other &&
    { setsid /attack/inside race /srv/place /srv/other </dev/null >/dev/null 2>&1 & }" </dev/null
i=0
placed=0
while [ $i -lt 12 ]; do
    i=$((i + 1))
    if sysct config set "$BOX" "mount./srv/place/$i.source=$CANARY/dir/below" "mount./srv/place/$i.create=yes" >/dev/null 2>&1; then
        placed=$((placed + 1))
    fi
done
sed -i '/^\[mount /,$d' "$SYSCT_STATE_DIR/containers/$BOX/config"
if untouched; then pass B5-race "a link is swapped in: $placed of $i mounts were made, none on the host"; else
    breach B5-race "$(tree "$CANARY" | diff "$CANARY.before" - | head -n 3)"
fi

# B4: the console and the ptys are replaced while it runs
got=$(timeout $LIMIT sysct attach -T "$BOX" -- sh -c "umount -l /dev/pts; rm -rf /dev/pts /dev/console /dev/ptmx; mkdir /dev/pts
    mkfifo /dev/console; ln -s $CANARY/file /dev/ptmx; ln -s $CANARY/file /dev/pts/0; mkfifo /dev/pts/ptmx; echo done" </dev/null 2>&1) || :
rc=0
timeout -k 2 $LIMIT python3 "$HERE/typed.py" sysct attach "$BOX" -- true >"$WORK/out" 2>&1 || rc=$?
if [ "$got" != "done" ]; then breach B4-terminal "the trap could not be set: $got"
elif [ $rc = 2 ] || [ $rc = 124 ] || ! grep -q '^sysct: attach ' "$WORK/out"; then breach B4-terminal "status $rc: $(head -n 2 "$WORK/out")"
elif ! untouched; then breach B4-terminal "the canary has changed"
else pass B4-terminal "$(grep '^sysct: ' "$WORK/out" | head -n 1)"; fi
rc=0
timeout -k 2 1 sysct console "$BOX" </dev/null >"$WORK/out" 2>&1 || rc=$?
# without an end of the input it goes on watching: that it was killed for is fine, the canary is what counts
verdict B4-console "the console is still the container's own" untouched
rc=0
timeout -k 5 $LIMIT sysct restart "$BOX" --timeout 1 >"$WORK/out" 2>&1 || rc=$?
if [ $rc = 0 ] && untouched; then pass B4-restart "it restarts"; else breach B4-restart "status $rc: $(head -n 2 "$WORK/out")"; fi

# B8: what the container makes setuid is nobody's on the host
verdict B8-closed "the directories of the containers are closed" \
    [ "$(stat -c %a "$SYSCT_STATE_DIR/containers") $(stat -c %a "$SYSCT_STATE_DIR/containers/$BOX")" = "700 700" ]
got=$(setpriv --reuid=65534 --regid=65534 --clear-groups find "$SYSCT_STATE_DIR/containers/$BOX" "$SYSCT_RUN_DIR/$BOX" -mindepth 1 2>/dev/null) || :
same_text B8-others "what other users of the host see of it" "$got" ""
verdict B8-mounts "its root file system is in no mount table of the host" not_mounted
sysct stop --now "$BOX" >/dev/null
