# shellcheck shell=sh disable=SC2015,SC2034
# Checks of Alpine's indexes and packages before anything of them is run, with openssl, gzip and coreutils only.
#
# An index or .apk is two or three gzip streams in a row. Where one ends cannot be read from its header, but every
# stream begins with 1f 8b 08, so each such place is tried, and only a cut that passes the cryptographic check counts:
#   index:   [signature][rest]           the RSA signature in the first stream covers the rest
#   package: [signature][control][data]  the verified index has the hash of the control stream ("C:Q1..."), whose
#                                        .PKGINFO has the SHA-256 of the data stream ("datahash")
# What is used afterwards is the piece that was checked, never the file it was cut from.

APK_WHY=''

gz_starts() {
    LC_ALL=C grep -obUaF "$(printf '\037\213\010')" "$1" 2>/dev/null | cut -d: -f1 | head -n 60
}

# gz_cut FILE FROM [TO]: the bytes from FROM up to TO
gz_cut() {
    if [ -n "${3:-}" ]; then
        tail -c +$(($2 + 1)) "$1" | head -c $(($3 - $2))
    else
        tail -c +$(($2 + 1)) "$1"
    fi
}

# apk_check_index FILE KEYDIR OUT: OUT becomes the text of the index; status 4 and APK_WHY if it is not to be trusted
apk_check_index() {
    _tmp=$SYSCT_TMP/apkcheck
    rm -rf "$_tmp"
    mkdir -p "$_tmp"
    if [ "$(gz_starts "$1" | head -n 1)" != 0 ]; then
        APK_WHY='it is not an Alpine index'
        return 4
    fi
    _seen=''
    _try=0
    for _o in $(gz_starts "$1" | tail -n +2); do
        _try=$((_try + 1))
        [ "$_try" -le 16 ] || break # the signature is the first stream and tiny
        gz_cut "$1" 0 "$_o" | gzip -dc >"$_tmp/sig.tar" 2>/dev/null || continue
        for _m in $(tar -tf "$_tmp/sig.tar" 2>/dev/null | grep '^\.SIGN\.RSA[0-9]*\.[A-Za-z0-9._@-]*$' | head -n 8); do
            case $_m in
            .SIGN.RSA.*) _alg=sha1 _key=${_m#.SIGN.RSA.} ;;
            .SIGN.RSA256.*) _alg=sha256 _key=${_m#.SIGN.RSA256.} ;;
            .SIGN.RSA512.*) _alg=sha512 _key=${_m#.SIGN.RSA512.} ;;
            *) continue ;;
            esac
            _seen=$_key
            [ -f "$2/$_key" ] || continue
            tar -xOf "$_tmp/sig.tar" "$_m" >"$_tmp/sig" 2>/dev/null || continue
            gz_cut "$1" "$_o" >"$_tmp/rest"
            if OPENSSL_ENABLE_SHA1_SIGNATURES=1 openssl dgst "-$_alg" -verify "$2/$_key" \
                -signature "$_tmp/sig" "$_tmp/rest" >/dev/null 2>&1; then
                gzip -dc "$_tmp/rest" 2>/dev/null | tar -xOf - APKINDEX >"$3" 2>/dev/null || :
                rm -rf "$_tmp"
                if [ -s "$3" ]; then
                    return 0
                fi
                APK_WHY='it is signed but has no list of packages'
                return 4
            fi
        done
    done
    rm -rf "$_tmp"
    if [ -z "$_seen" ]; then
        APK_WHY='it has no signature'
    elif [ ! -f "$2/$_seen" ]; then
        APK_WHY="it is signed by a key that is not trusted, $_seen"
    else
        APK_WHY='its signature does not match its content'
    fi
    return 4
}

apk_q1() {
    case $1 in
    sha1) printf 'Q1' ;;
    *) printf 'Q2' ;;
    esac
    openssl dgst "-$1" -binary | openssl base64 -A
}

# apk_check_package FILE CHECKSUM OUT: OUT becomes the verified data stream (a gzipped tar)
apk_check_package() {
    case $2 in
    Q1*) _alg=sha1 ;;
    Q2*) _alg=sha256 ;;
    *)
        APK_WHY="the index has a checksum of an unknown kind, $2"
        return 4
        ;;
    esac
    _starts=$(gz_starts "$1")
    _try=0
    for _from in $_starts; do
        for _to in $_starts; do
            [ "$_to" -gt "$_from" ] || continue
            # the two small streams come first: a real package matches within the first few tries
            _try=$((_try + 1))
            [ "$_try" -le 400 ] || break 2
            [ "$(gz_cut "$1" "$_from" "$_to" | apk_q1 "$_alg")" = "$2" ] || continue
            _want=$(gz_cut "$1" "$_from" "$_to" | gzip -dc 2>/dev/null | tar -xOf - .PKGINFO 2>/dev/null |
                sed -n 's/^datahash *= *//p' | head -n 1)
            gz_cut "$1" "$_to" >"$3"
            if [ -n "$_want" ] && [ "$(sha256sum <"$3" | cut -d' ' -f1)" = "$_want" ]; then
                return 0
            fi
            rm -f "$3"
            APK_WHY='its files are not those it was signed with'
            return 4
        done
    done
    APK_WHY='it is not the package the signed index names'
    return 4
}

# apk_closure INDEX PACKAGE...: "name version checksum" of these and of all they need
apk_closure() {
    _idx=$1
    shift
    awk -v want="$*" '
        function strip(s) { sub(/[<>=~].*/, "", s); return s }
        function visit(n,    i, k, d, t) {
            if (!(n in ver)) { if (!(n in prov)) { missing = missing " " n; return } n = prov[n] }
            if (n in done) return
            done[n] = 1
            print n, ver[n], sum[n]
            k = split(dep[n], d, " ")
            for (i = 1; i <= k; i++) { if (d[i] !~ /^!/) { t = strip(d[i]); visit(t) } }
        }
        function flush(    i, k, t) {
            if (P != "") {
                ver[P] = V; sum[P] = C; dep[P] = D
                k = split(p, t, " ")
                for (i = 1; i <= k; i++) if (!(strip(t[i]) in prov)) prov[strip(t[i])] = P
            }
            P = V = C = D = p = ""
        }
        /^P:/ { P = substr($0, 3) } /^V:/ { V = substr($0, 3) } /^C:/ { C = substr($0, 3) }
        /^D:/ { D = substr($0, 3) } /^p:/ { p = substr($0, 3) }
        /^$/ { flush() }
        END {
            flush(); n = split(want, w, " "); for (i = 1; i <= n; i++) visit(w[i])
            if (missing != "") { print "missing:" missing > "/dev/stderr"; exit 1 }
        }' "$_idx"
}
