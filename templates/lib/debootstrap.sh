# shellcheck shell=sh disable=SC2015,SC2034
# The templates of Debian and of the distributions made from it: debootstrap, then apt inside, then what a container needs.
#
# debootstrap checks the Release file with the archive keyring (--force-check-gpg: without a keyring it stops instead
# of going on unchecked); apt inside then brings security updates and extra packages with its own checks.
#
# A template sets DEB_NAME (Debian), SUITE, PUBLIC (mirror), INCLUDE (packages, with commas), LATER (packages that need apt's
# way of choosing, or nothing), INIT_KIND, DEB_SCRIPT (debootstrap's script for suites it does not know),
# DEB_COMPONENTS, DEB_ROLLING (suites without updates) and the functions deb_security_of MIRROR (where that mirror's
# security suites are) and deb_guest_components MIRROR, then calls deb_begin "$@", deb_keyring, deb_mirror, deb_look,
# deb_install, deb_update, deb_prepare, whatever is its own, and deb_finish.

# host_sources: "uri suite" of every binary source the host's own apt uses
host_sources() {
    for _s in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$_s" ] || continue
        sed -n 's/#.*//; s/^deb[[:space:]]\{1,\}//p' "$_s" | sed 's/^\[[^]]*\][[:space:]]*//' | awk 'NF >= 2 { print $1, $2 }'
    done
    for _s in /etc/apt/sources.list.d/*.sources; do
        [ -f "$_s" ] || continue
        awk '
            function flush(    i, j, n, m, u, s) {
                if (types ~ /(^| )deb( |$)/ && enabled != "no") {
                    n = split(uris, u, " "); m = split(suites, s, " ")
                    for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) print u[i], s[j]
                }
                types = uris = suites = enabled = key = ""
            }
            /^#/ { next }
            /^[[:space:]]*$/ { flush(); next }
            /^[[:space:]]/ { if (key == "uris") uris = uris " " $0; if (key == "suites") suites = suites " " $0; next }
            {
                i = index($0, ":"); key = tolower(substr($0, 1, i - 1)); v = substr($0, i + 1)
                gsub(/^[[:space:]]+|[[:space:]]+$/, "", v)
                if (key == "types") types = v; if (key == "uris") uris = v
                if (key == "suites") suites = v; if (key == "enabled") enabled = tolower(v)
            }
            END { flush() }' "$_s"
    done
}

usable() {
    case $1 in
    http://* | https://* | file:/*) return 0 ;;
    esac
    return 1
}

offer() {
    _orc=0
    cached_fetch "$1/dists/$2/InRelease" "$3" || _orc=$?
    if [ "$_orc" = 5 ]; then
        _orc=0
        cached_fetch "$1/dists/$2/Release" "$3" || _orc=$?
    fi
    return "$_orc"
}

# write_sources MIRROR SECURITY
write_sources() {
    drop etc/apt/sources.list
    _components=$(deb_guest_components "$1")
    _signed=/usr/share/keyrings/$TPL-archive-keyring.gpg
    has "$_signed" || _signed=/usr/share/keyrings/$TPL-archive-keyring.pgp
    if [ -n "${SYSCT_KEYRING:-}" ]; then
        put 0644 etc/apt/keyrings/sysct-mirror.gpg <"$KEYRING"
        _signed=/etc/apt/keyrings/sysct-mirror.gpg
    fi
    {
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n' "$1" "$SUITES" "$_components" "$_signed"
        [ -z "$2" ] ||
            printf '\nTypes: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n' "$2" "$SUITE-security" "$_components" "$_signed"
    } | put 0644 "etc/apt/sources.list.d/$TPL.sources"
}


# apt ARGS...: apt-get inside, with its failures said in one sentence
apt() {
    _arc=0
    chroot_run apt-get -q -y -o APT::Install-Recommends=false -o Dpkg::Use-Pty=0 -o Acquire::Retries=5 \
        -o Acquire::http::Timeout=30 -o Acquire::Languages=none -o DPkg::Options::=--force-confold "$@" \
        >"$SYSCT_TMP/apt.log" 2>&1 || _arc=$?
    cat "$SYSCT_TMP/apt.log" >&2
    if [ "$_arc" != 0 ]; then
        why=$(grep -E '^E: ' "$SYSCT_TMP/apt.log" | head -n 1 | sed 's/^E: //')
        if grep -q -i 'no space left\|enough free space' "$SYSCT_TMP/apt.log"; then die 7 "no space left on $ROOT while $TPL_STEP"; fi
        if grep -q -i -E 'NO_PUBKEY|BADSIG|not signed|Hash Sum mismatch|EXPKEYSIG' "$SYSCT_TMP/apt.log"; then
            die 4 "verification of $DEB_NAME $SUITE from $MSHOWN failed: ${why:-see the lines above}"
        fi
        case $why in
        *'Unable to locate package'*) fail 1 "$DEB_NAME $SUITE on $MSHOWN has no package ${why##* }" ;;
        'Failed to fetch'*) fail 3 "the $DEB_NAME mirror $MSHOWN failed while $TPL_STEP: $why" ;;
        esac
        fail 1 "apt failed while $TPL_STEP: ${why:-it ended with status $_arc}"
    fi
}
# plan_debs ARGS...: the file names apt is going to fetch, one a line
plan_debs() {
    chroot_run apt-get -q -y -o APT::Install-Recommends=false --print-uris "$@" 2>/dev/null |
        sed -n "s/^'[^']*' \\([A-Za-z0-9.+_~%-]*\\.deb\\) .*/\\1/p"
}
# what an earlier build fetched is used again; apt compares it with the signed index before it does
seed_debs() {
    while IFS= read -r deb; do
        [ ! -f "$DEBS/$deb" ] || cp "$DEBS/$deb" "$ROOT/var/cache/apt/archives/"
    done <"$SYSCT_TMP/plan"
}
save_debs() {
    find "$ROOT/var/cache/apt/archives" -maxdepth 1 -type f -name '*.deb' -exec cp -n -t "$DEBS/" {} + 2>/dev/null || :
}

DEB_SHORT="iproute2,iputils-ping,netbase,procps,sudo,ca-certificates,less"

# deb_begin ARGS...: checks the call
deb_begin() {
    tpl_begin "$@"
    need debootstrap:debootstrap gpgv:gpgv wget:wget tar:tar awk:mawk chroot:coreutils dpkg-deb:dpkg
    check_words package "${SYSCT_PACKAGES:-}"
    check_words release "${SYSCT_RELEASE:-}"
    check_words variant "${SYSCT_VARIANT:-}"
    ARCH=$(arch_deb "$SYSCT_ARCH") || die 5 "$DEB_NAME has no architecture '$SYSCT_ARCH'"
    SUITE=${SYSCT_RELEASE:-$(conf_get default_release)}
}

# deb_init KIND: what is installed for this kind of init
deb_init() {
    INIT_KIND=$1
    LATER=''
    INCLUDE=$DEB_SHORT
    case $1 in
    systemd) INCLUDE=systemd-sysv,dbus,libpam-systemd,$INCLUDE ;;
    sysvinit) INCLUDE=sysvinit-core,$INCLUDE ;;
    runit) INCLUDE=runit-init,$INCLUDE ;;
    openrc)
        # debootstrap would take sysv-rc to run the scripts, which cannot lie beside openrc; apt takes openrc
        INCLUDE=openrc,$INCLUDE
        LATER=initscripts
        ;;
    esac
}

# deb_suite: the release, after the template has translated numbers
deb_suite() {
    case $SUITE in
    *[!a-z0-9-]*) die 5 "'$SUITE' is not a release of $DEB_NAME (they are named like $1)" ;;
    esac
}

# deb_keyring PACKAGE FILE...: KEYRING is the first of these that is there, or what was given
deb_keyring() {
    _package=$1
    _first=$2
    shift
    KEYRING=''
    if [ -n "${SYSCT_KEYRING:-}" ]; then
        [ -e "$SYSCT_KEYRING" ] || die 4 "there is no keyring at $SYSCT_KEYRING"
        KEYRING=$SYSCT_TMP/keyring.gpg
        gpg_keyring "$SYSCT_KEYRING" "$KEYRING" || die 4 "there is no keyring (*.gpg) in $SYSCT_KEYRING"
        return 0
    fi
    for _f in "$@"; do
        [ -f "$_f" ] && KEYRING=$_f && return 0
    done
    [ "$SYSCT_VERIFY" != 0 ] || return 0
    if [ -n "$_package" ]; then
        die 6 "the $TPL template needs $DEB_NAME's signing keys, $_first, which are not installed (Debian package: $_package)"
    fi
    die 6 "the $TPL template needs $DEB_NAME's signing keys, which Debian does not package: install ${_first##*/} in ${_first%/*}, or give it with --keyring"
}

# deb_mirror: M, its security suites S, LOCAL if it is a directory of the host
deb_mirror() {
    M=${SYSCT_MIRROR:-}
    S=''
    HOST_ID=$(sed -n 's/^ID=//p' /etc/os-release 2>/dev/null | tr -d '"')
    HOST_CODENAME=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null | tr -d '"')
    if [ -z "$M" ] && [ "$HOST_ID" = "$TPL" ] && [ -n "$HOST_CODENAME" ]; then
        host_sources >"$SYSCT_TMP/host.sources"
        while read -r uri suite; do
            usable "$uri" || continue
            case $suite in
            "$HOST_CODENAME" | stable | testing | sid | unstable) [ -n "$M" ] || M=$uri ;;
            "$HOST_CODENAME-security" | "$HOST_CODENAME/updates" | stable-security) [ -n "$S" ] || S=$uri ;;
            esac
        done <"$SYSCT_TMP/host.sources"
        [ -z "$M" ] || log "   mirror from the host's apt: $(public_url "$M")"
        # and the proxy that the host's apt uses
        if [ -z "${http_proxy:-}" ] && command -v apt-config >/dev/null 2>&1; then
            apt_proxy=''
            eval "$(apt-config shell apt_proxy Acquire::http::Proxy 2>/dev/null || :)"
            case $apt_proxy in
            http://*) http_proxy=$apt_proxy && export http_proxy ;;
            esac
        fi
    fi
    M=${M:-$PUBLIC}
    M=${M%/}
    LOCAL=''
    if path=$(local_path "$M"); then
        [ -d "$path" ] || die 3 "cannot reach the $DEB_NAME mirror $path: no such directory"
        LOCAL=$path
        M=file://$path
    else
        case $M in
        http://* | https://*) ;;
        *) die 3 "cannot reach the $DEB_NAME mirror '$M': neither http://, https://, file:// nor an absolute path" ;;
        esac
    fi
    MSHOWN=$(public_url "$M")
    [ -n "$S" ] || S=$(deb_security_of "$M")
    S=${S%/}
}

# deb_look: is the release there, what belongs to it
deb_look() {
    step "looking for $DEB_NAME $SUITE ($ARCH)"
    progress 1 "looking at the mirror"
    REL=$SYSCT_CACHE/InRelease.$(hash_text "$M")-$SUITE
    rc=0
    offer "$M" "$SUITE" "$REL" || rc=$?
    case $rc in
    0) ;;
    5) die 5 "the mirror $MSHOWN does not offer $DEB_NAME '$SUITE' (no dists/$SUITE/InRelease)" ;;
    7) die 7 "no space left while fetching from $MSHOWN: $FETCH_WHY" ;;
    *) die 3 "cannot reach the $DEB_NAME mirror $MSHOWN: $FETCH_WHY" ;;
    esac
    archs=$(sed -n 's/^Architectures: *//p' "$REL" | head -n 1)
    case " $archs " in
    "  " | *" $ARCH "*) ;;
    *) die 5 "$DEB_NAME $SUITE on $MSHOWN is not offered for $ARCH (only for $archs)" ;;
    esac
    CODENAME=$(sed -n 's/^Codename: *//p' "$REL" | head -n 1)
    CODENAME=${CODENAME:-$SUITE}
    # those of the wanted components that this mirror has
    _offered=$(sed -n 's/^Components: *//p' "$REL" | head -n 1)
    COMPONENTS=''
    for _c in $DEB_COMPONENTS; do
        case " ${_offered:-$DEB_COMPONENTS} " in
        *" $_c "* | *"/$_c "*) COMPONENTS=${COMPONENTS:+$COMPONENTS,}$_c ;;
        esac
    done
    [ -n "$COMPONENTS" ] || die 5 "$DEB_NAME $SUITE on $MSHOWN has none of the components $DEB_COMPONENTS (only $_offered)"

    SUITES=$SUITE
    SECURITY=''
    case " $DEB_ROLLING " in
    *" $CODENAME "*) ;;
    *)
        if offer "$M" "$SUITE-updates" "$REL-updates"; then SUITES="$SUITE $SUITE-updates"; fi
        if [ -n "$S" ] && offer "$S" "$SUITE-security" "$REL-security"; then
            SECURITY=$S
        else
            note "no security suite found beside $MSHOWN; the box is built without it"
        fi
        ;;
    esac
}

# deb_install: the base
deb_install() {
    step "installing the base of $DEB_NAME $SUITE ($ARCH)"
    DEBS=$SYSCT_CACHE/debs-$ARCH
    mkdir -p "$DEBS"
    # dpkg syncs every file otherwise; the image is synced once, by the manager
    put 0644 etc/dpkg/dpkg.cfg.d/sysct-build <<'EOS'
force-unsafe-io
EOS
    put 0755 usr/sbin/policy-rc.d <<'EOS'
#!/bin/sh
exit 101
EOS

    if [ "$SYSCT_USERNS" = 1 ]; then
        # no mknod here: give debootstrap a /dev made of the host's nodes, which it then leaves alone
        mkdir -p "$ROOT/dev"
        mount_in tmpfs "$ROOT/dev" -t tmpfs -o mode=0755,nosuid || fail 1 "cannot mount a tmpfs on $ROOT/dev"
        for d in null zero full random urandom tty; do
            : >"$ROOT/dev/$d"
            mount --bind "/dev/$d" "$ROOT/dev/$d" || fail 1 "cannot bind the host's /dev/$d for the build"
        done
        mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
        ln -s pts/ptmx "$ROOT/dev/ptmx"
        ln -s null "$ROOT/dev/console"
        container=lxc
        export container
    fi

    set -- --variant=minbase --arch="$ARCH" --include="$INCLUDE" --components="$COMPONENTS" --cache-dir="$DEBS"
    if [ "$SYSCT_VERIFY" = 0 ]; then
        set -- "$@" --no-check-gpg
    else
        set -- "$@" --force-check-gpg --keyring="$KEYRING"
    fi
    SCRIPT=''
    if [ ! -e "/usr/share/debootstrap/scripts/$SUITE" ] && [ -e "/usr/share/debootstrap/scripts/$DEB_SCRIPT" ]; then
        SCRIPT=/usr/share/debootstrap/scripts/$DEB_SCRIPT
    fi
    LOG=$SYSCT_TMP/debootstrap.log
    : >"$LOG"
    {
        rc=0
        if [ -n "$SCRIPT" ]; then
            HOME=$SYSCT_TMP debootstrap "$@" "$SUITE" "$ROOT" "$M" "$SCRIPT" </dev/null 2>&1 3>&- || rc=$?
        else
            HOME=$SYSCT_TMP debootstrap "$@" "$SUITE" "$ROOT" "$M" </dev/null 2>&1 3>&- || rc=$?
        fi
        printf '%s\n' "$rc" >"$SYSCT_TMP/debootstrap.rc"
    } | {
        # about a third of the lines each for fetching, unpacking and configuring
        lines=0
        last=0
        while IFS= read -r line; do
            printf '%s\n' "$line" >>"$LOG"
            printf '%s\n' "$line" >&2
            case $line in
            'I: '*)
                lines=$((lines + 1))
                n=$((3 + lines * 72 / 460))
                [ "$n" -le 75 ] || n=75
                if [ "$n" != "$last" ]; then
                    last=$n
                    case $line in
                    *Retrieving* | *Validating*) progress "$n" "fetching packages" ;;
                    *Extracting*) progress "$n" "unpacking the base" ;;
                    *) progress "$n" "installing packages" ;;
                    esac
                fi
                ;;
            esac
        done
    }
    rc=$(cat "$SYSCT_TMP/debootstrap.rc")
    if [ "$rc" != 0 ]; then
        why=$(grep '^E: ' "$LOG" | tail -n 1 | sed 's/^E: //')
        inner=$ROOT/debootstrap/debootstrap.log
        [ -n "$why" ] || [ ! -f "$inner" ] || why=$(tail -n 1 "$inner")
        why=${why:-$(tail -n 1 "$LOG")}
        [ ! -f "$inner" ] || tail -n 15 "$inner" >&2
        if grep -q 'No space left' "$LOG" || { [ -f "$inner" ] && grep -q 'No space left' "$inner"; }; then
            die 7 "no space left on $ROOT while installing $DEB_NAME $SUITE"
        fi
        # (not in the lines that name packages: there is always one called keyring)
        if grep -E '^[EW]: ' "$LOG" | grep -q -i -E 'signature|unknown key|corrupt|SIGCHECK|GNUPG|keyring|checksum|did not validate|[Ii]nvalid Release' &&
            ! printf '%s' "$why" | grep -q -i -E "couldn't download|failed getting"; then
            die 4 "verification of $DEB_NAME $SUITE from $MSHOWN failed: $why"
        fi
        case $why in
        *"Couldn't download"* | *'Failed getting'* | *"couldn't be downloaded"* | *'Some packages could not be downloaded'*)
            # a package that arrives with another hash than the signed index has looks to debootstrap like one that does not arrive
            bad=$(sed -n 's/^W: Retrying failed download of //p; s/^E: Couldn.t download packages: //p' "$LOG" | tail -n 1)
            if grep -q -i 'was corrupt' "$LOG"; then
                die 4 "verification of $DEB_NAME $SUITE from $MSHOWN failed: $(grep -i 'was corrupt' "$LOG" | head -n 1 | sed 's/^[WE]: //')"
            fi
            fail 3 "the $DEB_NAME mirror $MSHOWN failed while fetching ${bad:-$SUITE}: $why"
            ;;
        esac
        fail 1 "debootstrap could not install $DEB_NAME $SUITE from $MSHOWN: $why"
    fi
    # of the one that debootstrap fetched and checked, from which all packages of the base hang
    for _f in InRelease Release; do
        _taken=$(in_root "var/lib/apt/lists/debootstrap.invalid_dists_${SUITE}_$_f")
        [ ! -f "$_taken" ] || break
        _taken=$REL
    done
    SUM=$(sum_of "$_taken")
}

# deb_update: sources, updates, extra packages
deb_update() {
    put_hosts
    resolv=''
    [ ! -f /etc/resolv.conf ] || resolv=$(cat /etc/resolv.conf)
    printf '%s\n' "$resolv" | put 0644 etc/resolv.conf
    build_mirror=$M
    build_security=$SECURITY
    if [ -n "$LOCAL" ]; then
        mkdir -p "$ROOT/.sysct-build/mirror"
        mount_in "$LOCAL" "$ROOT/.sysct-build/mirror" --bind || fail 1 "cannot show the mirror $LOCAL to the box being built"
        build_mirror=file:///.sysct-build/mirror
        if [ "$SECURITY" = "$M" ]; then
            build_security=$build_mirror
        elif sec=$(local_path "${SECURITY:-none}"); then
            mkdir -p "$ROOT/.sysct-build/security"
            mount_in "$sec" "$ROOT/.sysct-build/security" --bind || fail 1 "cannot show the mirror $sec to the box being built"
            build_security=file:///.sysct-build/security
        fi
    fi
    write_sources "$build_mirror" "$build_security"

    if [ "$SYSCT_OFFLINE" = 1 ] && [ -z "$LOCAL" ]; then
        [ -z "${SYSCT_PACKAGES:-}" ] || die 1 "extra packages need the mirror; offline only the cached base can be built"
        [ -z "$LATER" ] || die 1 "the variant $INIT_KIND needs the mirror; offline only the cached base can be built"
        note "offline: built without security updates"
    else
        step "fetching updates"
        progress 77 "looking for updates"
        mkdir -p "$ROOT/var/cache/apt/archives/partial"
        clear_files var/lib/apt/lists # debootstrap's are not compressed
        # the lists stay, compressed: "apt-get install" in a new box works before anybody has run "apt-get update"
        apt -o APT::Update::Error-Mode=any -o Acquire::GzipIndexes=true update
        plan_debs dist-upgrade >"$SYSCT_TMP/plan"
        if [ -s "$SYSCT_TMP/plan" ]; then
            step "installing $(wc -l <"$SYSCT_TMP/plan") updates"
            progress 80 "installing updates"
            seed_debs
            apt dist-upgrade
            save_debs
        fi
        for _what in "$LATER" "${SYSCT_PACKAGES:-}"; do
            [ -n "$_what" ] || continue
            step "installing $_what"
            progress 86 "installing $_what"
            # shellcheck disable=SC2086 # a list of names
            plan_debs install $_what >"$SYSCT_TMP/plan"
            seed_debs
            # shellcheck disable=SC2086 # a list of names
            apt install $_what
            save_debs
        done
    fi
    rm -f "$SYSCT_TMP/apt.log"
    find "$DEBS" -maxdepth 1 -name '*.deb' -mtime +60 -delete 2>/dev/null || :
}

# deb_prepare: what is the same for every box
deb_prepare() {
    step "preparing the system for a container"
    progress 92 "preparing"
    if [ -n "$LOCAL" ]; then
        umount_in "$ROOT/.sysct-build/mirror"
        [ ! -d "$ROOT/.sysct-build/security" ] || umount_in "$ROOT/.sysct-build/security"
        rmdir "$ROOT/.sysct-build/"* "$ROOT/.sysct-build"
    fi

    GUEST=${SYSCT_GUEST_MIRROR:-}
    guest_security=$(deb_security_of "$PUBLIC")
    if [ -z "$GUEST" ]; then
        GUEST=$PUBLIC
        case $M in
        http://* | https://*)
            if is_loopback "$M"; then
                note "the box will use $PUBLIC: the mirror on the host's loopback cannot be reached from inside"
            else
                GUEST=$M
                guest_security=$SECURITY
            fi
            ;;
        esac
    fi
    GUEST=${GUEST%/}
    if [ "$GUEST" != "$PUBLIC" ] && [ "$GUEST" != "$M" ]; then
        guest_security=$(deb_security_of "$GUEST")
        [ -n "$SECURITY" ] || guest_security=''
    fi
    case " $DEB_ROLLING " in *" $CODENAME "*) guest_security='' ;; esac
    write_sources "$GUEST" "$guest_security"

    case $INIT_KIND in
    systemd)
        guest_systemd
        systemd_ssh_keys
        ;;
    sysvinit) guest_sysvinit ;;
    runit) guest_runit ;;
    openrc) guest_openrc_init ;;
    esac
    [ "$INIT_KIND" = systemd ] || sysv_ssh_keys

    printf 'LANG=C.UTF-8\n' | put 0644 etc/default/locale
    printf 'LANG=C.UTF-8\n' | put 0644 etc/locale.conf
    printf 'localhost\n' | put 0644 etc/hostname
    lock_root
    put_fstab
    put_hosts
    put_resolv
    put_link ../proc/self/mounts etc/mtab
    drop usr/sbin/policy-rc.d etc/dpkg/dpkg.cfg.d/sysct-build
}

# deb_finish: proof, then the last cleaning
deb_finish() {
    progress 95 "checking"
    prove
    VERSION=$(deb_version || :)
    VERSION=${VERSION:-$SUITE}
    chroot_run dpkg-query -W >"$SYSCT_TMP/manifest.txt" 2>/dev/null || :

    # shellcheck disable=SC2086 # newest first
    for m in $TPL_MOUNTS; do
        if [ "$m" = "$ROOT/dev" ]; then
            umount -l "$m" || fail 1 "cannot unmount $m"
            TPL_MOUNTS=$(printf '%s\n' $TPL_MOUNTS | grep -vxF "$m" | tr '\n' ' ' || :)
        fi
    done
    clear_files var/log var/cache/ldconfig
    find "$ROOT/var/cache/debconf" -name '*-old' -exec rm -f {} + 2>/dev/null || :
    drop debootstrap var/cache/apt/pkgcache.bin var/cache/apt/srcpkgcache.bin var/log/bootstrap.log \
        etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/.pwd.lock var/lib/dpkg/status-old \
        var/lib/dpkg/available-old var/lib/dpkg/diversions-old var/lib/dpkg/statoverride-old \
        root/.bash_history root/.wget-hsts
    clear_files var/cache/apt var/lib/apt/lists/partial
    drop var/lib/apt/lists/lock
    if has var/log/journal; then empty_dir 2755 var/log/journal; fi
    case $INIT_KIND in
    systemd) : | put 0444 etc/machine-id ;;
    *) drop etc/machine-id ;; # made by dbus, if that comes
    esac
    mkdir -p "$ROOT/var/lib/dbus"
    put_link /etc/machine-id var/lib/dbus/machine-id
    clean_identity
    clean_dev
    chmod 0755 "$ROOT"
    # the image is as its packages left it: no rebuilding of caches at the first boot
    : | put 0644 etc/.updated
    : | put 0644 var/.updated
    settle_times

    setkv "distro=$TPL"
    setkv "release=$CODENAME"
    setkv "version=$VERSION"
    setkv "arch=$SYSCT_ARCH"
    setkv init=/sbin/init
    setkv "init_kind=$INIT_KIND"
    setkv "source=$MSHOWN dists/$SUITE"
    setkv "source_sha256=$SUM"
    setkv "manifest=$SYSCT_TMP/manifest.txt"
    progress 100 "$DEB_NAME $VERSION ($CODENAME) is built"
}
