# shellcheck shell=sh
# What the scripts of the attacks share: each prints "ID PASS|FAIL|SKIP text" for each check, as the program inside does.
set -eu
export LC_ALL=C

pass() {
    id_=$1
    shift
    printf '%s PASS %s\n' "$id_" "$*"
}

breach() {
    id_=$1
    shift
    # one line, whatever was printed inside
    printf '%s FAIL %s\n' "$id_" "$(printf '%s' "$*" | tr -c '[:print:]' ' ' | cut -c 1-300)"
}

skip_check() {
    id_=$1
    shift
    printf '%s SKIP %s\n' "$id_" "$*"
}

# verdict ID TEXT COMMAND...: whether the attempt failed is what the command says
verdict() {
    verdict_id=$1
    verdict_text=$2
    shift 2
    if "$@"; then pass "$verdict_id" "$verdict_text"; else breach "$verdict_id" "not so: $verdict_text"; fi
}

# same_text ID WHAT GOT WANT
same_text() {
    if [ "$3" = "$4" ]; then pass "$1" "$2: $3"; else breach "$1" "$2: \"$3\" instead of \"$4\""; fi
}

die() {
    echo "${0##*/}: $*" >&2
    exit 2
}

# tree DIR: all that must not change below a directory of the host
tree() {
    (cd "$1" && find . -printf '%p %y %m %U:%G %i %s %T@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

# canary DIR: such a directory, with one of everything
canary() {
    mkdir -p "$1/dir/below"
    echo "do not change me" >"$1/file"
    echo "#!/bin/sh" >"$1/program"
    chmod 0755 "$1/program"
    echo "127.0.0.1 canary" >"$1/hosts"
    mkfifo "$1/fifo" 2>/dev/null || :
    ln -sf file "$1/link"
}

now_ms() { date +%s%3N; }

# loader_of PROGRAM: the dynamic loader that it names, nothing for a static one
loader_of() {
    od -An -v -c -N 65536 "$1" | tr -d ' \n' | sed -n 's,.*\(/lib[0-9a-z/_-]*/ld-[0-9a-z_.-]*so[0-9.]*\)\\0.*,\1,p' | head -n 1
}
