#!/bin/sh
# Each page of the manual renders without a warning, in groff and in mandoc, is installed, and names only pages that there are.
set -eu
cd "$(dirname "$0")/../.."
for tool in man mandoc; do command -v $tool >/dev/null || { echo "SKIPPED: no $tool"; exit 77; }; done
bad=0
wrong() {
    echo "$*"
    bad=1
}
for page in config/man/*.[1-8]; do
    said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
    [ -z "$said" ] || wrong "$page: man: $said"
    said=$(mandoc -T lint -W warning "$page" 2>&1) || wrong "$said"
    file=${page##*/}
    grep -q -F "'$file'" meson.build || wrong "$page: is not installed by meson.build"
    # without this line only a man that guesses runs tbl; groff before 1.23 does not warn
    if grep -q '^\.TS' "$page"; then
        [ "$(head -n 1 "$page")" = "'\\\" t" ] || wrong "$page: has a table, and its first line does not ask for tbl"
    fi
    head -n 3 "$page" | grep -q -i "^\.TH ${file%.*} ${file##*.} " || wrong "$page: its .TH is another page's"
    # sysct-templates (7) and the like, however they are set
    sed 's/\\-/-/g; s/\\f[BIRP]//g; s/[",]//g' "$page" | grep -o -E '(^|[^a-z.-])sysct[a-z.-]* ?\([1-8]\)' |
        sed 's/^[^s]*//; s/ *(\([1-8]\))/.\1/' | sort -u | while read -r other; do
        [ -f "config/man/$other" ] || echo "$page: there is no page $other"
    done >"${TMPDIR:-/tmp}/sysct-pages.$$"
    [ ! -s "${TMPDIR:-/tmp}/sysct-pages.$$" ] || wrong "$(cat "${TMPDIR:-/tmp}/sysct-pages.$$")"
    rm -f "${TMPDIR:-/tmp}/sysct-pages.$$"
done
exit $bad
