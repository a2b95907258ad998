#!/bin/sh
# Every key that is built has a test that shows its effect, and one that shows what is refused. The keys come from the
# program's own table (list-keys.c); a test says in a comment what it shows:
#
#     # shows: limits.memory limits.swap        in a script, in C between /* and */
#     # refuses: limits.memory
#
# or is a list of calls "refuses KEY VALUE ...", which say it themselves. A free section is one key by the section's name. Such
# a word is believed only where the test's code has the key: as section.key or section.TITLE.key, as "key =" where the
# section is written too, or in C as a name.
#
#     keys.sh             a line for each key: KEY, shown by, refused by; and what is wrong
#     keys.sh --table     the same for people
set -eu
cd "$(dirname "$0")/../.."
list=${SYSCT_TEST_BUILD:-build-test}/plain/tests/list-keys
[ -x "$list" ] || { echo "SKIPPED: not built"; exit 77; }
"$list" | awk -v table="${1:-}" '
function wrong(text) { print text >"/dev/stderr"; failed = 1 }
# KEY as the list has it: without a title, a free section by its name
function plain(key,    part, n) {
    n = split(key, part, ".")
    if (part[1] in freely) return part[1]
    return n > 2 ? part[1] "." part[n] : key
}
function claim(what, text,    word, n, i, key) {
    sub(/\*\/.*/, "", text)
    n = split(text, word, " ")
    for (i = 1; i <= n; i++) {
        key = plain(word[i])
        if (!(key in known)) wrong(file ": \"" what ": " word[i] "\": there is no such key")
        else if (index(" " claims[what, key] " ", " " name " ") == 0)
            claims[what, key] = claims[what, key] (claims[what, key] == "" ? "" : " ") name
        made[key] = 1
    }
}
function has_key(key,    part) {
    if (code ~ ("(^|[^a-z0-9_.])" key (key in freely ? "\\." : "[^a-z0-9_]"))) return 1
    split(key, part, ".")
    if (key in freely) return index(code, "[" key "]") > 0
    if (c_source) return code ~ ("[^a-z0-9_]" part[2] "[^a-z0-9_]")
    if (code ~ ("(^|[^a-z0-9_.])" part[1] "\\.[^ =]*\\." part[2] "[^a-z0-9_]")) return 1
    return index(code, "[" part[1]) > 0 && code ~ ("(^|[^a-z0-9_.-])" part[2] " *[+]?=")
}
function finish(    key) {
    for (key in made)
        if (key in known && !has_key(key)) wrong(file ": says that it shows or refuses " key ", which is not in its code")
    code = ""
    split("", made)
}
FILENAME == "-" {
    known[$1] = $2
    order[++n_keys] = $1
    if ($1 !~ /\./) freely[$1] = 1
    next
}
FNR == 1 {
    finish()
    file = name = FILENAME
    sub(/.*\//, "", name)
    c_source = name ~ /\.c$/
    sub(/\.[a-z]*$/, "", name)
}
match($0, /(#|\/\*|\/\/|\*) (shows|refuses): /) {
    text = substr($0, RSTART, RLENGTH)
    claim(text ~ /shows/ ? "shows" : "refuses", substr($0, RSTART + RLENGTH))
}
!c_source && /^ *refuses [a-z]+\./ { claim("refuses", $2) }
!c_source && /^ *#/ { next }
{
    line = $0
    if (c_source) gsub(/\/\*[^*]*\*\//, "", line)
    gsub(/\\n/, "\n", line)
    code = code "\n" line "\n"
}
END {
    finish()
    if (table == "--table") printf "%-28s %-42s %s\n", "KEY", "SHOWN BY", "REFUSED BY"
    for (i = 1; i <= n_keys; i++) {
        key = order[i]
        shows = claims["shows", key]
        refuses = claims["refuses", key]
        if (table == "--table") printf "%-28s %-42s %s\n", key, shows == "" ? "-" : shows, refuses == "" ? "-" : refuses
        else print key "\t" shows "\t" refuses
        if (shows == "") wrong(key ": no test shows its effect")
        if (refuses == "") wrong(key ": no test shows what is refused")
    }
    exit failed
}' - tests/integration/*.sh tests/unit/*/*.c
