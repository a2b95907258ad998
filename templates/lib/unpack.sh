# shellcheck shell=sh disable=SC2015,SC2034
# Unpacking a root file system that somebody else made: an archive or a directory, SRC.
#
# It is not trusted. An archive's list is read first and refused if a name or hard link is absolute, goes through '..',
# or lies beyond a link of the archive that leads away. It is then unpacked by a tar that sees no file system but a
# read-only /usr and the new rootfs. As real root nothing of it is run.

# unpacked: the archive as a plain tar stream; a failing decompressor leaves a mark
unpacked() {
    if [ "$KIND" = directory ]; then
        tar -C "$SRC" -c --one-file-system --numeric-owner --acls --xattrs --xattrs-include='*' \
            --warning=no-file-ignored -X "$SYSCT_TMP/exclude.src" --exclude=./lost+found . 2>"$SYSCT_TMP/read.err" ||
            printf '%s\n' "$?" >"$SYSCT_TMP/read.failed"
    else
        $UNPACK <"$SRC" 2>"$SYSCT_TMP/read.err" || printf '%s\n' "$?" >"$SYSCT_TMP/read.failed"
    fi
}
read_failed() {
    if [ -f "$SYSCT_TMP/read.failed" ]; then
        _w=$(tail -n 1 "$SYSCT_TMP/read.err")
        fail 1 "cannot read $SRC ($KIND): ${_w:-the reader ended with status $(cat "$SYSCT_TMP/read.failed")}"
    fi
}

jail_ro() {
    mount_in "$1" "$JAIL$1" --rbind || return 1
    # in a user namespace the flags the host has set on it must stay set
    _flags=$(awk -v at="$JAIL$1" '$2 == at { print $4 }' /proc/self/mounts | tail -n 1 | tr ',' '\n' |
        grep -E '^(nosuid|nodev|noexec|noatime|relatime|nodiratime)$' | tr '\n' ',' || :)
    mount -o "remount,bind,${_flags}ro" "$JAIL$1"
}
make_jail() {
    for d in /bin /sbin /lib /lib32 /lib64 /libx32; do
        if [ -L "$d" ]; then
            ln -s "$(readlink "$d")" "$JAIL$d" || return 1
        elif [ -d "$d" ]; then
            mkdir "$JAIL$d" && jail_ro "$d" || return 1
        fi
    done
    mkdir "$JAIL/usr" "$JAIL/etc" "$JAIL/rootfs" || return 1
    # user and group names play no part (--numeric-owner), so no more of /etc than the loader's list
    [ ! -f /etc/ld.so.cache ] || cp /etc/ld.so.cache "$JAIL/etc/" || return 1
    jail_ro /usr || return 1
    mount_in "$ROOT" "$JAIL/rootfs" --bind || return 1
    chroot "$JAIL" tar --version >/dev/null 2>&1
}

init_of() {
    for _i in sbin/init usr/lib/systemd/systemd lib/systemd/systemd init bin/init usr/sbin/init; do
        if has_exe "$_i"; then
            printf '/%s\n' "$_i"
            return 0
        fi
    done
    return 1
}

# unpack_begin: what SRC is, in KIND
unpack_begin() {
    tar --version 2>/dev/null | grep -q 'GNU tar' || die 6 "the $TPL template needs GNU tar (Debian package: tar)"
    KIND=''
    if [ -d "$SRC" ]; then
        KIND=directory
        case $ROOT/ in "$(cd "$SRC" && pwd -P)"/*)
            [ "$(stat -c %d "$ROOT")" != "$(stat -c %d "$SRC")" ] || die 2 "the new rootfs $ROOT lies inside its own source $SRC"
            ;;
        esac
    else
        [ -f "$SRC" ] || die 1 "$SRC is neither a file nor a directory"
        case $(od -An -v -tx1 -N 6 "$SRC" | tr -d ' \n') in
        1f8b*) KIND=gzip UNPACK='gzip -dc' && need gzip:gzip ;;
        fd377a585a00) KIND=xz UNPACK='xz -dc -T0' && need xz:xz-utils ;;
        28b52ffd*) KIND=zstd UNPACK='zstd -dcq' && need zstd:zstd ;;
        425a68*) KIND=bzip2 UNPACK='bzip2 -dc' && need bzip2:bzip2 ;;
        5d0000*) KIND=lzma UNPACK='xz -dc --format=lzma' && need xz:xz-utils ;;
        68737173*) die 1 "$SRC is a squashfs image; unpack it with unsquashfs and give the directory" ;;
        *)
            [ "$(od -An -c -j 257 -N 5 "$SRC" | tr -d ' \n')" = ustar ] || die 1 "$SRC is not a tar archive"
            KIND=tar UNPACK=cat
            ;;
        esac
    fi
}

# unpack_check: looks through SRC; dies if it is not safe
unpack_check() {
    : >"$SYSCT_TMP/exclude"
    : >"$SYSCT_TMP/exclude.src"
    DEVICES=0
    # what the manager mounts or the kernel makes is not taken along
    EXCLUDE='--exclude=dev/* --exclude=./dev/* --exclude=proc/* --exclude=./proc/* --exclude=sys/* --exclude=./sys/*'
    if [ "$KIND" = directory ]; then
        step "looking through $SRC"
        progress 2 "looking through the source"
        # names as tar has them; those with a newline cannot be listed and need not be devices
        (cd "$SRC" && find . -xdev \( -type b -o -type c \) ! -name '*
*' -print | sed 's/[][*?\\]/\\&/g') >"$SYSCT_TMP/exclude.src" || fail 1 "cannot look through all of $SRC"
        DEVICES=$(wc -l <"$SYSCT_TMP/exclude.src")
        DEVICES=$((DEVICES))
    else
        step "checking what is in $SRC ($KIND)"
        progress 2 "checking the archive"
        rm -f "$SYSCT_TMP/read.failed"
        rc=0
        # (the decompressor stops early with a broken pipe where tar has seen the end; only tar's word counts here)
        unpacked | tar -tv --numeric-owner --quoting-style=c --full-time -f - >"$SYSCT_TMP/list" 2>"$SYSCT_TMP/tar.err" || rc=$?
        read_failed
        [ "$rc" = 0 ] || fail 1 "$SRC cannot be read as a tar archive: $(tail -n 1 "$SYSCT_TMP/tar.err" | sed 's/^tar: //')"
        rm -f "$SYSCT_TMP/read.failed"
        # "type... "name"" with -> "target" of a symbolic link and  link to "target" of a hard link; quotes inside are \"
        awk -v devices="$SYSCT_TMP/exclude" '
            function bad(why) { print why; failed = 1; exit }
            function quoted(s,    i, c) { # the text of the C string s begins with, its end in qend
                if (substr(s, 1, 1) != "\"") return ""
                for (i = 2; i <= length(s); i++) {
                    c = substr(s, i, 1)
                    if (c == "\\") { i++; continue }
                    if (c == "\"") { qend = i; return substr(s, 2, i - 2) }
                }
                return ""
            }
            function plain(n) { # without ./ at the front and doubled or final slashes
                gsub(/\/\.\//, "/", n); gsub(/\/\/+/, "/", n)
                while (n ~ /^\.\//) n = substr(n, 3)
                sub(/\/$/, "", n); sub(/\/\.$/, "", n)
                return n
            }
            function dots(n) { return ("/" n "/") ~ /\/\.\.\// }
            function away(link, to,    depth, n, i, p) { # does this symbolic link lead out of the archive?
                if (to ~ /^\//) return 1
                depth = split(link, p, "/") - 1
                n = split(to, p, "/")
                for (i = 1; i <= n; i++) {
                    if (p[i] == "..") { if (--depth < 0) return 1 } else if (p[i] != "" && p[i] != ".") depth++
                }
                return 0
            }
            function beyond(n,    i, k, p, at) { # does the way to n pass a link that leads away?
                k = split(n, p, "/"); at = ""
                for (i = 1; i < k; i++) { at = (at == "") ? p[i] : at "/" p[i]; if (at in out) return at }
                return ""
            }
            {
                t = substr($0, 1, 1)
                at = index($0, "\"")
                if (at == 0) { if (t ~ /[VM]/) next; bad("a line of its list that cannot be understood") }
                raw = quoted(substr($0, at)); rest = substr($0, at + qend)
                if (raw ~ /^\//) bad("the absolute name " raw)
                if (dots(raw)) bad("the name " raw ", which goes through ..")
                n = plain(raw)
                if ((b = beyond(n)) != "") bad("the name " raw ", which lies beyond the link " b)
                if (t == "b" || t == "c") {
                    count++
                    if (raw ~ /\\/) bad("a device node with a strange name, " raw)
                    print raw > devices
                } else if (t == "l") {
                    q = index(rest, "\""); to = quoted(substr(rest, q))
                    if (away(n, to)) out[n] = 1
                    else delete out[n]
                } else if (t == "h") {
                    q = index(rest, "\""); to = quoted(substr(rest, q))
                    if (to ~ /^\//) bad("the hard link " raw " to the absolute name " to)
                    if (dots(to)) bad("the hard link " raw " to " to ", which goes through ..")
                    if ((b = beyond(plain(to))) != "") bad("the hard link " raw " to " to ", which lies beyond the link " b)
                } else if (t ~ /[-dpsCD]/) delete out[n]
            }
            END { if (!failed) print "ok " count + 0 }' "$SYSCT_TMP/list" >"$SYSCT_TMP/verdict"
        case $(head -n 1 "$SYSCT_TMP/verdict") in
        'ok '*) DEVICES=$(sed -n '1s/^ok //p' "$SYSCT_TMP/verdict") ;;
        *) die 1 "the archive $SRC is not safe to unpack: it has $(head -n 1 "$SYSCT_TMP/verdict")" ;;
        esac
        [ -s "$SYSCT_TMP/list" ] || die 8 "the archive $SRC is empty"
        rm -f "$SYSCT_TMP/list"
    fi
    [ "$DEVICES" = 0 ] || note "$DEVICES device nodes of the source are left out; the box gets its own /dev"
}

# unpack_into_root: in a place where nothing else can be written
unpack_into_root() {
    step "unpacking $SRC"
    progress 10 "unpacking"
    JAIL=$SYSCT_TMP/jail
    mkdir -p "$JAIL"
    if ! make_jail 2>"$SYSCT_TMP/jail.err"; then
        fail 1 "cannot make the closed place to unpack in: $(tail -n 1 "$SYSCT_TMP/jail.err")"
    fi

    rm -f "$SYSCT_TMP/read.failed"
    cp "$SYSCT_TMP/exclude" "$JAIL/etc/exclude"
    rc=0
    # trusted.* and the host's SELinux labels cannot be carried over and mean nothing in the box
    set -f
    # shellcheck disable=SC2086 # the patterns are words
    unpacked | chroot "$JAIL" tar -x -f - -C /rootfs -p --numeric-owner --same-owner --acls --xattrs --xattrs-include='*' \
        --xattrs-exclude='trusted.*' --xattrs-exclude='security.selinux' --delay-directory-restore \
        --warning=no-timestamp --warning=no-unknown-keyword \
        --anchored --wildcards $EXCLUDE --no-wildcards -X /etc/exclude \
        >"$SYSCT_TMP/tar.out" 2>"$SYSCT_TMP/tar.err" 3>&- || rc=$?
    set +f
    tail -n 30 "$SYSCT_TMP/tar.err" >&2
    if [ "$rc" != 0 ]; then
        why=$(sed '/Exiting with failure/d; /Removing leading/d; s/^tar: //' "$SYSCT_TMP/tar.err" | head -n 1)
        case $(cat "$SYSCT_TMP/tar.err") in
        *'No space left'*) die 7 "no space left on $ROOT while unpacking $SRC" ;;
        *'Cannot change ownership'*) fail 1 "$SRC has files of users beyond those a box has (0 to 65535): $why" ;;
        esac
        read_failed
        fail 1 "cannot unpack $SRC: ${why:-tar ended with status $rc}"
    fi
    read_failed
    umount_in "$JAIL/rootfs"

    # one directory above the system?
    progress 80 "looking at the system"
    top=$(find "$ROOT" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name dev ! -name proc ! -name sys -printf '%y %f\n')
    case $top in
    *'
    '*) ;;
    'd '*)
        top=${top#d }
        if ! init_of >/dev/null && { [ -d "$ROOT/$top/usr" ] || [ -d "$ROOT/$top/etc" ] || [ -d "$ROOT/$top/bin" ]; }; then
            case $top in
            usr | etc | bin | sbin) ;;
            *)
                log "   the system lies in the directory $top"
                mv "$ROOT/$top" "$ROOT/.sysct-top"
                find "$ROOT/.sysct-top" -mindepth 1 -maxdepth 1 ! -name lost+found -exec mv -n -t "$ROOT" {} +
                rm -rf "$ROOT/.sysct-top"
                ;;
            esac
        fi
        ;;
    esac
    chown 0:0 "$ROOT"
    chmod 0755 "$ROOT"
}

# unpack_look: what the system is: INIT INIT_KIND DISTRO NAME VERSION REL ARCH
unpack_look() {
    TPL_STEP="looking at the system in $SRC"
    found=$(cd "$ROOT" && find . -mindepth 1 -maxdepth 1 ! -name lost+found | sed 's|^\./||' | sort | head -n 12 | tr '\n' ' ')
    INIT=$(init_of) || die 8 "there is no init in $SRC (no executable /sbin/init, /usr/lib/systemd/systemd or /init): it has ${found:-nothing}"
    DISTRO=unknown
    NAME=''
    VERSION=''
    REL=''
    for f in etc/os-release usr/lib/os-release; do
        p=$(in_root_all "$f")
        [ -f "$p" ] && [ -r "$p" ] || continue
        osr() { sed -n "s/^$1=//p" "$p" | head -n 1 | tr -d '"'"'"'\r' | tr -cd 'A-Za-z0-9._ ()/+~:-' | cut -c 1-80; }
        DISTRO=$(osr ID)
        DISTRO=${DISTRO:-unknown}
        NAME=$(osr PRETTY_NAME)
        VERSION=$(osr VERSION_ID)
        REL=$(osr VERSION_CODENAME)
        break
    done
    [ -n "$NAME" ] || note "the system does not say what it is (no /etc/os-release)"

    real=$(in_root_all "$INIT")
    real=${real#"$ROOT"}
    case $real in
    */systemd/systemd) INIT_KIND=systemd ;;
    */busybox) if has_exe sbin/openrc; then INIT_KIND=openrc; else INIT_KIND=busybox; fi ;;
    */openrc-init) INIT_KIND=openrc ;;
    */runit-init | */runit) INIT_KIND=runit ;;
    *s6*) INIT_KIND=s6 ;;
    *)
        INIT_KIND=unknown
        if head -c 400 "$ROOT$real" | grep -q -a 's6-'; then
            INIT_KIND=s6
        elif grep -q -a -e 'SysV\|INIT_VERSION\|sysvinit' "$ROOT$real" 2>/dev/null; then
            if has_exe sbin/openrc; then INIT_KIND=openrc; else INIT_KIND=sysvinit; fi
        elif has_exe sbin/openrc; then
            INIT_KIND=openrc
        elif has etc/s6-linux-init || has etc/s6; then
            INIT_KIND=s6
        fi
        ;;
    esac

    # which processor it is for, from the head of its init
    ARCH=$SYSCT_ARCH
    head_of() { od -An -v -tx1 -N 20 "$ROOT$real" | tr -d ' \n'; }
    case $(head_of) in
    7f454c4602*3e00) ARCH=x86_64 ;;
    7f454c4601*0300) ARCH=i686 ;;
    7f454c4602*b700) ARCH=aarch64 ;;
    7f454c4601*2800) ARCH=armv7l ;;
    7f454c4602*f300) ARCH=riscv64 ;;
    7f454c4602*1500) ARCH=ppc64le ;;
    7f454c4602*0016) ARCH=s390x ;;
    7f454c4602*0201) ARCH=loongarch64 ;;
    esac
}

# unpack_settle: what is the same for every box
unpack_settle() {
    progress 90 "preparing"
    put_fstab
    clean_identity
    case $INIT_KIND in
    systemd) : | put 0444 etc/machine-id ;;
    *) drop etc/machine-id ;;
    esac
    if has var/lib/dbus/machine-id; then put_link /etc/machine-id var/lib/dbus/machine-id; fi
    # its ssh host keys are gone; other families than Debian's make new ones when they boot
    if [ "$INIT_KIND" = systemd ] && has var/lib/dpkg/status; then systemd_ssh_keys; fi
    # a login of the source's own stays possible; no console prompt is changed here
    p=$(in_root etc/inittab)
    if [ -f "$p" ] && [ ! -L "$p" ]; then
        # virtual terminals do not exist in a box: their gettys would be started again every second
        sed 's/^\([^#:]*:[^:]*:respawn:.*getty.*[[:space:]]\(tty[1-9]\|ttyS[0-9]\)\([[:space:]].*\)\{0,1\}\)$/#sysct# \1/' "$p" >"$SYSCT_TMP/inittab"
        cat "$SYSCT_TMP/inittab" >"$p"
    fi
    put_resolv
    clean_dev
    chmod 0755 "$ROOT"

    progress 95 "checking"
    if [ "$SYSCT_USERNS" = 1 ] && [ "$ARCH" = "$(uname -m)" ]; then
        out=$(chroot_run /bin/true 2>&1) || fail 8 "the system in $SRC does not run: chroot /bin/true failed (${out:-no message})"
    fi
    settle_times
}
