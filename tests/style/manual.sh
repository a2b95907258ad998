#!/bin/sh
# The manual has every command that sysct --help names, every option of each, and every key that configurations may have; it
# says of each key whether config set changes what runs, as the table of keys does.
set -eu
cd "$(dirname "$0")/../.."
sysct=${SYSCT_TEST_BUILD:-build-test}/plain/sysct
[ -n "$(find config/man -name '*.[1-8]' 2>/dev/null)" ] || { echo "SKIPPED: there is no manual yet"; exit 77; }
[ -x "$sysct" ] || { echo "SKIPPED: not built"; exit 77; }
missing=0
# a hyphen is written \- in a manual page
pages=$(cat config/man/*.[1-8] | sed 's/\\-/-/g; s/\\&//g; s/\\fB//g; s/\\fI//g; s/\\fR//g; s/\\fP//g')
in_manual() {
    printf '%s\n' "$pages" | grep -q -E -e "(^|[^a-z0-9_-])$1([^a-z0-9_-]|\$)" || {
        echo "the manual has no $2 \"$1\""
        missing=1
    }
}
commands=$("$sysct" --help | awk '/^Global options/ { exit } /^  [a-z]/ { print $1 }')
[ -n "$commands" ] || { echo "sysct --help names no command"; exit 1; }
for command in $commands; do
    in_manual "$command" command
    for option in $("$sysct" "$command" --help 2>/dev/null | grep -o -E -e '--[a-z][a-z-]*' | sort -u); do
        in_manual "$option" "option of $command"
    done
done
# the table of options: { "section", "key", ...
keys=$(sed -n 's/.*{ *"\([a-z]*\)", *"\([a-z0-9_]*\)".*/\2/p' src/config/options.c | sort -u)
for key in $keys; do
    in_manual "$key" key
done
# "section.key when", as list-keys prints it, of each key that has a paragraph; what stands above the first one is of all
said=$(sed 's/\\(dq/"/g; s/\\-/-/g' config/man/sysct-container.conf.5 | awk '
function paragraph(    i, n, word) {
    n = split(heading, word, /[ ",=()]+/)
    for (i = 1; i <= n; i++)
        if (word[i] ~ /^[a-z][a-z0-9_]*$/) print section "." word[i] " " (when == "" ? all : when)
    heading = when = ""
}
/^\.SH/ { paragraph(); section = ""; all = "start" }
/^\.SH THE SECTION \[/ { section = $4; gsub(/[^a-z]/, "", section) }
section == "" { next }
/^\.TP/ { paragraph(); wanted = 1; next }
wanted { heading = $0; sub(/^\.[A-Z]+/, "", heading); wanted = 0; next }
/^\.(I|IR) [Ll]ive/ { if (heading == "") all = "live"; else when = "live" }
/counts when the container is created/ { when = "create" }
END { paragraph() }')
while read -r key when; do
    case $key in host.* | *[!a-z0-9._]*) continue ;; *.*) ;; *) continue ;; esac
    printf '%s\n' "$said" | grep -q -x -F "$key $when" || {
        echo "$key: the table says \"$when\", the manual: $(printf '%s\n' "$said" | grep -F "$key ")"
        missing=1
    }
done <<EOS
$("${sysct%/*}/tests/list-keys")
EOS
exit $missing
