# shellcheck shell=sh disable=SC2015,SC2034
# Shared by all template scripts: log, events for the manager, fetching, names of architectures, and
# writing into a root file system without ever following a link out of it.
# A template sets TPL (its name) and sources this file.
#
# What the manager gives (unset = default): SYSCT_API=1 SYSCT_PHASE=build SYSCT_TEMPLATE_DIR, SYSCT_ROOTFS (absolute,
# empty but for lost+found), SYSCT_CACHE (kept, locked by the manager), SYSCT_TMP (empty, removed by the manager),
# SYSCT_ARCH (names of uname -m) SYSCT_RELEASE SYSCT_VARIANT SYSCT_PACKAGES SYSCT_MIRROR SYSCT_GUEST_MIRROR SYSCT_VERIFY
# SYSCT_KEYRING (instead of the usual keys) SYSCT_SOURCE SYSCT_OFFLINE SYSCT_USERNS SOURCE_DATE_EPOCH, proxies.
# What it gets: lines on file descriptor 3 if SYSCT_EVENT_FD=3 (step TEXT, progress 0-100 TEXT, note TEXT, set KEY=VALUE),
# a log on stdout and stderr whose last line is the reason of a failure, and an exit status: 0 done, 1 error, 2 usage,
# 3 mirror unreachable, 4 verification failed, 5 release or architecture not offered, 6 host tool missing, 7 no space,
# 8 the result does not work, 129/130/143 interrupted.

umask 022
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
unset CDPATH ENV BASH_ENV IFS TAR_OPTIONS GZIP GREP_OPTIONS POSIXLY_CORRECT || :

TPL=${TPL:-template}
TPL_DONE=0     # 1: the last sentence has been said
TPL_MOUNTS=''  # what this script mounted, newest first
TPL_OWN_TMP='' # scratch directory made here because the manager gave none
TPL_STEP=starting
FETCH_WHY=''
FETCH_HTTPS_ONLY='' # 1: https must not lead to http

# ---- log and events ----------------------------------------------------------------------------

log() { printf '%s\n' "$*" >&2; }

event() {
    if [ "${SYSCT_EVENT_FD:-}" = 3 ]; then
        # a manager that has gone away must not kill the build half way with SIGPIPE
        (trap '' PIPE; printf '%s\n' "$(printf '%s' "$*" | tr '\n' ' ')" >&3) 2>/dev/null || :
    fi
}

step() { TPL_STEP=$*; log "== $*"; event "step $*"; }
note() { log "note: $*"; event "note $*"; }
progress() { _n=$1; shift; event "progress $_n $*"; }
setkv() { log "   $1"; event "set $1"; }

# die CODE SENTENCE: the sentence becomes the last line on stderr
die() {
    _code=$1
    shift
    TPL_DONE=1
    log "$*"
    exit "$_code"
}

# free_kb DIR: kilobytes left in the file system of DIR
free_kb() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }

# full_dir: the first of rootfs, scratch and cache whose file system has no room left
full_dir() {
    for _d in "${SYSCT_ROOTFS:-}" "${SYSCT_TMP:-}" "${SYSCT_CACHE:-}"; do
        [ -n "$_d" ] && [ -d "$_d" ] || continue
        _k=$(free_kb "$_d")
        _i=$(df -Pi "$_d" 2>/dev/null | awk 'NR == 2 { print ($2 > 0) ? $4 : 1 }')
        if [ "${_k:-9999}" -lt 512 ] || [ "${_i:-1}" = 0 ]; then
            printf '%s\n' "$_d"
            return 0
        fi
    done
    return 1
}

# fail CODE SENTENCE: as die, but says "no space" where that is the real reason
fail() {
    if _full=$(full_dir); then
        die 7 "no space left on the file system of $_full (while $TPL_STEP)"
    fi
    die "$@"
}

finish() {
    _rc=$?
    trap - EXIT HUP INT TERM
    for _m in $TPL_MOUNTS; do
        umount "$_m" 2>/dev/null || umount -l "$_m" 2>/dev/null || :
    done
    [ -z "${ROOT:-}" ] || umount_below
    [ -z "$TPL_OWN_TMP" ] || rm -rf --one-file-system "$TPL_OWN_TMP"
    if [ "$_rc" -ne 0 ] && [ "$TPL_DONE" = 0 ]; then
        case $_rc in
        129 | 130 | 143) log "the $TPL template was interrupted while $TPL_STEP" ;;
        *)
            if _full=$(full_dir); then
                log "no space left on the file system of $_full (while $TPL_STEP)"
                exit 7
            fi
            log "the $TPL template failed while $TPL_STEP (a command ended with status $_rc, see the lines above)"
            _rc=1
            ;;
        esac
    fi
    exit "$_rc"
}

# ---- start ---------------------------------------------------------------------------------------

# tpl_begin ARGS...: checks the call and the environment
tpl_begin() {
    [ "${SYSCT_API:-1}" = 1 ] || die 2 "the $TPL template speaks version 1 of the template interface, not ${SYSCT_API}"
    if [ $# -ne 1 ] || [ "$1" != build ] || [ "${SYSCT_PHASE:-build}" != build ]; then
        die 2 "the $TPL template knows one phase, 'build', not '${1:-${SYSCT_PHASE:-}}'"
    fi
    [ "$(id -u)" = 0 ] || die 2 "the $TPL template must run as root or as root of a user namespace"
    case ${SYSCT_ROOTFS:-} in
    /*) ;;
    *) die 2 "SYSCT_ROOTFS must be the absolute path of an empty directory, not '${SYSCT_ROOTFS:-}'" ;;
    esac
    [ -d "$SYSCT_ROOTFS" ] && [ ! -L "$SYSCT_ROOTFS" ] ||
        die 2 "SYSCT_ROOTFS $SYSCT_ROOTFS is not a directory"
    ROOT=$(cd "$SYSCT_ROOTFS" && pwd -P)
    [ "$ROOT" != / ] || die 2 "SYSCT_ROOTFS must not be the root directory"
    case $ROOT in
    *[!A-Za-z0-9._/+:@,=-]*) die 2 "SYSCT_ROOTFS $ROOT has characters in its path that tools do not take" ;;
    esac
    if [ -n "$(find "$ROOT" -mindepth 1 -maxdepth 1 ! -name lost+found | head -n 1)" ]; then
        die 2 "SYSCT_ROOTFS $ROOT is not empty"
    fi
    trap finish EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [ -z "${SYSCT_TMP:-}" ]; then
        TPL_OWN_TMP=$(mktemp -d "${TMPDIR:-/var/tmp}/sysct-template.XXXXXX")
        SYSCT_TMP=$TPL_OWN_TMP
    fi
    [ -d "$SYSCT_TMP" ] || die 2 "SYSCT_TMP $SYSCT_TMP is not a directory"
    SYSCT_CACHE=${SYSCT_CACHE:-$SYSCT_TMP/cache}
    mkdir -p "$SYSCT_CACHE"
    SYSCT_CACHE=$(cd "$SYSCT_CACHE" && pwd -P)
    SYSCT_TMP=$(cd "$SYSCT_TMP" && pwd -P)
    SYSCT_ARCH=${SYSCT_ARCH:-$(uname -m)}
    SYSCT_VERIFY=${SYSCT_VERIFY:-1}
    SYSCT_OFFLINE=${SYSCT_OFFLINE:-0}
    SYSCT_USERNS=${SYSCT_USERNS:-0}
    TMPDIR=$SYSCT_TMP
    export TMPDIR
    chmod 0755 "$ROOT"
    [ "$SYSCT_VERIFY" != 0 ] || note "signatures are NOT checked (--no-verify)"
}

# check_words WHAT TEXT: only characters that names of releases and packages have
check_words() {
    case $2 in
    *[!A-Za-z0-9.+_:~=@\ -]* | -* | *' -'*) die 2 "$1 '$2' has characters that are not allowed there" ;;
    esac
}

# no_variant: this template has none
no_variant() {
    case ${SYSCT_VARIANT:-} in
    '' | default) ;;
    *) die 2 "the $TPL template has no variant '$SYSCT_VARIANT'" ;;
    esac
}

# conf_get KEY: a fact of this template
conf_get() { sed -n "s/^$1=//p" "$SYSCT_TEMPLATE_DIR/$TPL.conf" | head -n 1; }

# need TOOL:PACKAGE...: host tools
need() {
    for _t in "$@"; do
        command -v "${_t%%:*}" >/dev/null 2>&1 ||
            die 6 "the $TPL template needs the host tool '${_t%%:*}', which is not installed (Debian package: ${_t#*:})"
    done
}

need_fetcher() {
    command -v curl >/dev/null 2>&1 || need wget:wget
}

# ---- architectures -------------------------------------------------------------------------------

arch_apk() {
    case $1 in
    i?86) echo x86 ;;
    armv7l | armv8l) echo armv7 ;;
    armv6l) echo armhf ;;
    x86_64 | aarch64 | ppc64le | s390x | riscv64 | loongarch64) echo "$1" ;;
    *) return 1 ;;
    esac
}

arch_deb() {
    case $1 in
    x86_64) echo amd64 ;;
    i?86) echo i386 ;;
    aarch64) echo arm64 ;;
    armv7l | armv8l) echo armhf ;;
    armv6l) echo armel ;;
    ppc64le) echo ppc64el ;;
    loongarch64) echo loong64 ;;
    s390x | riscv64) echo "$1" ;;
    *) return 1 ;;
    esac
}

# ---- fetching ------------------------------------------------------------------------------------

# local_path URL: the path of a file:// URL or of a plain path, else status 1
local_path() {
    case $1 in
    file://localhost/*) printf '%s\n' "${1#file://localhost}" ;;
    file:///*) printf '%s\n' "${1#file://}" ;;
    file:/*) printf '%s\n' "${1#file:}" ;;
    /*) printf '%s\n' "$1" ;;
    *) return 1 ;;
    esac
}

# is_loopback URL: a mirror that only the host itself can reach
is_loopback() {
    _h=${1#*://}
    _h=${_h%%/*}
    _h=${_h##*@}
    case $_h in
    localhost | localhost:* | 127.* | '[::1]'*) return 0 ;;
    esac
    return 1
}

# public_url URL: without user and password, for what is stored
public_url() { printf '%s\n' "$1" | sed 's|^\([a-z]*://\)[^/@]*@|\1|'; }

# fetch URL FILE: 0 fetched, 3 unreachable, 5 not there, 7 no space, 1 other; the reason is in FETCH_WHY
fetch() {
    FETCH_WHY=''
    rm -f "$2" "$2.part"
    if _src=$(local_path "$1"); then
        if [ ! -f "$_src" ]; then
            FETCH_WHY='no such file'
            return 5
        fi
        if ! cp "$_src" "$2.part" 2>"$SYSCT_TMP/fetch.err"; then
            FETCH_WHY=$(tail -n 1 "$SYSCT_TMP/fetch.err")
            rm -f "$2.part"
            case $FETCH_WHY in *'No space'*) return 7 ;; esac
            return 1
        fi
        mv "$2.part" "$2"
        return 0
    fi
    case $1 in
    http://* | https://* | ftp://*) ;;
    *)
        FETCH_WHY='not an http://, https://, ftp:// or file:// address nor an absolute path'
        return 3
        ;;
    esac
    _rc=0
    if command -v curl >/dev/null 2>&1; then
        _http=$(curl -q -sSL ${FETCH_HTTPS_ONLY:+--proto-redir =https} --fail --globoff --connect-timeout 15 --speed-limit 64 --speed-time 60 --retry 2 \
            -o "$2.part" -w '%{http_code}' "$1" 2>"$SYSCT_TMP/fetch.err" 3>&-) || _rc=$?
        _disk=23
    else
        wget -T 30 -t 3 -S -O "$2.part" "$1" >/dev/null 2>"$SYSCT_TMP/fetch.err" 3>&- || _rc=$?
        _http=$(sed -n 's|.*HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' "$SYSCT_TMP/fetch.err" | tail -n 1)
        _disk=3
    fi
    if [ "$_rc" -eq 0 ] && [ -n "$FETCH_HTTPS_ONLY" ] && grep -q -i '^ *location: *http:' "$SYSCT_TMP/fetch.err"; then
        FETCH_WHY='the server leads away from https'
        rm -f "$2.part"
        return 3
    fi
    if [ "$_rc" -eq 0 ]; then
        mv "$2.part" "$2"
        return 0
    fi
    rm -f "$2.part"
    if [ "$_rc" = "$_disk" ]; then
        FETCH_WHY="cannot write $2"
        return 7
    fi
    case $_http in
    404 | 410 | 403)
        FETCH_WHY="the server says $_http"
        return 5
        ;;
    4?? | 5??)
        FETCH_WHY="the server says $_http"
        return 3
        ;;
    esac
    FETCH_WHY=$(grep -v '^ *$' "$SYSCT_TMP/fetch.err" | tail -n 1 | sed 's/^curl: ([0-9]*) //; s/^wget: //')
    [ -n "$FETCH_WHY" ] || FETCH_WHY='no answer'
    return 3
}

# cached_fetch URL FILE: FILE lies in the cache; offline it must be there already, else it is fetched anew.
# A copy of the cache is never better than its check: callers verify what they get either way.
cached_fetch() {
    if [ "$SYSCT_OFFLINE" = 1 ] && ! local_path "$1" >/dev/null; then
        [ -f "$2" ] && return 0
        FETCH_WHY='not in the cache, and the network is not to be used (offline)'
        return 3
    fi
    fetch "$1" "$2.new" || return $?
    mv "$2.new" "$2"
}

# sum_of FILE: the SHA-256 of what is in it
sum_of() { sha256sum <"$1" | cut -d' ' -f1; }
hash_text() { printf '%s' "$1" | sha256sum | cut -c 1-16; }

# ---- inside the root file system -----------------------------------------------------------------

# in_root PATH: the host's name of PATH inside the rootfs. Links in its directories are resolved as they would be
# inside (an absolute one begins at the rootfs, '..' ends there); the last part is not followed. Nothing runs in the
# rootfs meanwhile, so the answer stays true.
in_root() {
    _rest=${1#/}
    _out=''
    _hops=0
    while :; do
        _head=${_rest%%/*}
        case $_rest in
        */*) _tail=${_rest#*/} ;;
        *) break ;;
        esac
        case $_head in
        '' | .) ;;
        ..) _out=${_out%/*} ;;
        *)
            if [ -L "$ROOT$_out/$_head" ]; then
                _hops=$((_hops + 1))
                if [ "$_hops" -gt 40 ]; then
                    log "too many links in the rootfs at $1"
                    return 1
                fi
                _to=$(readlink "$ROOT$_out/$_head")
                case $_to in /*) _out='' ;; esac
                _rest=${_to#/}/$_tail
                continue
            fi
            _out=$_out/$_head
            ;;
        esac
        _rest=$_tail
    done
    case $_head in
    '' | .) printf '%s\n' "$ROOT$_out" ;;
    ..) printf '%s\n' "$ROOT${_out%/*}" ;;
    *) printf '%s\n' "$ROOT$_out/$_head" ;;
    esac
}

# in_root_all PATH: the same with the last part followed too
in_root_all() { in_root "$1/."; }

has() { [ -e "$(in_root_all "$1")" ]; }
has_exe() {
    _x=$(in_root_all "$1") || return 1
    [ -f "$_x" ] && [ -x "$_x" ]
}

# put MODE PATH: standard input becomes that file, whatever was there
put() {
    _p=$(in_root "$2")
    mkdir -p "${_p%/*}"
    rm -f "$_p"
    cat >"$_p"
    chmod "$1" "$_p"
}

# put_link TARGET PATH
put_link() {
    _p=$(in_root "$2")
    mkdir -p "${_p%/*}"
    rm -f "$_p"
    ln -s "$1" "$_p"
}

# drop PATH...: removes files and directories
drop() {
    for _f in "$@"; do
        _p=$(in_root "$_f")
        case $_p in "$ROOT" | "$ROOT/") continue ;; esac
        rm -rf "$_p"
    done
}

# empty_dir MODE PATH...: a directory with nothing in it
empty_dir() {
    _mode=$1
    shift
    for _f in "$@"; do
        _p=$(in_root "$_f")
        if [ -L "$_p" ] || { [ -e "$_p" ] && [ ! -d "$_p" ]; }; then
            rm -f "$_p"
        fi
        mkdir -p "$_p"
        find "$_p" -xdev -mindepth 1 -maxdepth 1 -exec rm -rf {} +
        chmod "$_mode" "$_p"
    done
}

# clear_files PATH...: the files below these directories go, the directories stay
clear_files() {
    for _f in "$@"; do
        _p=$(in_root_all "$_f") || continue
        [ -d "$_p" ] || continue
        find "$_p" -xdev -mindepth 1 ! -type d -exec rm -f {} +
    done
}

# mount_in WHAT WHERE OPTIONS...: mount, undone at the end
mount_in() {
    _what=$1
    _where=$2
    shift 2
    mount "$@" "$_what" "$_where" || return 1
    TPL_MOUNTS="$_where $TPL_MOUNTS"
}

umount_in() {
    umount "$1" 2>/dev/null || umount -l "$1" || return 1
    TPL_MOUNTS=$(printf '%s\n' "$TPL_MOUNTS" | tr ' ' '\n' | grep -vxF "$1" | tr '\n' ' ' || :)
}

# umount_below: whatever is still mounted inside the rootfs, deepest first; nothing may be deleted through a mount
umount_below() {
    awk -v root="$ROOT/" 'index($2, root) == 1 { at[++n] = $2 } END { while (n > 0) print at[n--] }' /proc/self/mounts |
        while IFS= read -r _m; do
            umount "$_m" 2>/dev/null || umount -l "$_m" 2>/dev/null || :
        done
}

# chroot_run COMMAND...: in the rootfs, with a clean environment and no event channel
chroot_run() {
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TERM=dumb \
        DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true container=lxc \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        ${no_proxy:+"no_proxy=$no_proxy"} ${SOURCE_DATE_EPOCH:+"SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH"} \
        chroot "$ROOT" "$@" </dev/null 3>&-
}

# ---- what every box of every kind gets -----------------------------------------------------------

# clean_dev: the manager mounts its own /dev; a userns build leaves regular files there, real root device nodes
clean_dev() {
    umount_below
    if grep -q -F " $ROOT/" /proc/self/mounts; then fail 1 "something stays mounted inside $ROOT"; fi
    empty_dir 0755 dev
    mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
    chmod 0755 "$ROOT/dev/pts"
    chmod 1777 "$ROOT/dev/shm"
    for _f in proc sys run tmp mnt; do
        [ -d "$ROOT/$_f" ] && [ ! -L "$ROOT/$_f" ] || { rm -f "$ROOT/$_f"; mkdir "$ROOT/$_f"; }
    done
    empty_dir 0755 proc sys run
    empty_dir 1777 tmp
}

# clean_identity: nothing that two boxes must not share, nothing that tells a container it is another one
clean_identity() {
    _p=$(in_root etc/ssh)
    if [ -d "$_p" ]; then
        find "$_p" -maxdepth 1 -name 'ssh_host_*' -exec rm -f {} +
    fi
    drop .dockerenv run/.containerenv .sysct-build \
        var/lib/systemd/random-seed var/lib/systemd/credential.secret var/lib/urandom/random-seed \
        var/lib/misc/random-seed etc/hostid
    clear_files var/lib/seedrng
    empty_dir 1777 var/tmp
}

put_fstab() { printf '# the root file system and everything mounted here comes from sysct\n' | put 0644 etc/fstab; }

put_hosts() {
    printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n' |
        put 0644 etc/hosts
}

# put_resolv: the manager provides the file at each start
put_resolv() { put_link ../run/host/resolv.conf etc/resolv.conf; }

# lock_root: nobody logs in as root by password; ssh keys still work ('*', not '!')
lock_root() {
    _p=$(in_root etc/shadow)
    if [ -f "$_p" ] && [ ! -L "$_p" ]; then
        sed 's/^root:[^:]*:/root:*:/' "$_p" >"$SYSCT_TMP/shadow"
        cat "$SYSCT_TMP/shadow" >"$_p"
        rm -f "$SYSCT_TMP/shadow"
    fi
}

# put_autologin: what getty runs instead of login on the console
put_autologin() {
    put 0755 usr/local/sbin/autologin <<'EOS'
#!/bin/sh
# on the console only, whose socket on the host is root's alone
exec /bin/login -f root
EOS
}

# settle_times: reproducible builds
settle_times() {
    case ${SOURCE_DATE_EPOCH:-} in
    '' | *[!0-9]*) return 0 ;;
    esac
    find "$ROOT" -xdev -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# prove: the result runs at all
prove() {
    for _i in sbin/init usr/lib/systemd/systemd lib/systemd/systemd init; do
        if has_exe "$_i"; then
            _out=$(chroot_run /bin/true 2>&1) ||
                fail 8 "the built root file system does not run: chroot /bin/true failed (${_out:-no message})"
            return 0
        fi
    done
    fail 8 "the built root file system has no /sbin/init"
}
