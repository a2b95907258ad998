# shellcheck shell=sh disable=SC2015,SC2034
# Keyrings for gpgv, and what gpgv says of a signed text.

GPG_WHY=''

# gpg_keyring GIVEN OUT: GIVEN, a file or a directory of keys, binary or in ASCII armour, becomes the keyring OUT
gpg_keyring() {
    if [ -d "$1" ]; then
        set -- "$2" "$1"/*.gpg "$1"/*.pgp "$1"/*.asc
    else
        set -- "$2" "$1"
    fi
    _out=$1
    shift
    : >"$_out"
    for _k in "$@"; do
        [ -f "$_k" ] || continue
        if head -c 200 "$_k" | grep -q -a -e '-----BEGIN PGP PUBLIC KEY BLOCK-----'; then
            # the lines between the headers and the checksum
            awk '/^-----BEGIN PGP PUBLIC KEY BLOCK-----/ { on = 1; next } /^-----END / { on = body = 0; next }
                !on { next } !body { if ($0 ~ /^[ \t\r]*$/) body = 1; next } /^=/ { next } { print }' "$_k" |
                tr -d '\r' | base64 -d >>"$_out" 2>/dev/null || :
        else
            cat "$_k" >>"$_out"
        fi
    done
    [ -s "$_out" ]
}

# gpg_clearsigned FILE KEYRING OUT: OUT becomes the text that is signed, nothing around it; status 4 and GPG_WHY if it
# is not signed by a key of the keyring
gpg_clearsigned() {
    rm -f "$3"
    _grc=0
    GNUPGHOME=$SYSCT_TMP gpgv --keyring "$2" --output "$3" "$1" 2>"$SYSCT_TMP/gpgv.err" </dev/null 3>&- || _grc=$?
    cat "$SYSCT_TMP/gpgv.err" >&2
    [ "$_grc" = 0 ] && [ -s "$3" ] && return 0
    rm -f "$3"
    GPG_WHY=$(grep -E -i "BAD signature|No public key|Can't check|no valid|expired" "$SYSCT_TMP/gpgv.err" | tail -n 1 | sed 's/^gpgv: //')
    GPG_WHY=${GPG_WHY:-$(tail -n 1 "$SYSCT_TMP/gpgv.err" | sed 's/^gpgv: //')}
    return 4
}
