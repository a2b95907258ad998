#!/bin/sh
# Every shell script of the tree passes shellcheck.
set -eu
cd "$(dirname "$0")/../.."
command -v shellcheck >/dev/null || { echo "SKIPPED: no shellcheck"; exit 77; }
# not only by name: templates and scripts have none
find .ci scripts tests templates config -type f ! -path '*/corpus/*' -exec awk '
    FNR == 1 { if (/^#!.*\/(ba|da)?sh/ || /shellcheck shell=/ || FILENAME ~ /\.sh$/) print FILENAME; nextfile }' {} + |
    sort >"${TMPDIR:-/tmp}/sysct-scripts.$$"
trap 'rm -f "${TMPDIR:-/tmp}/sysct-scripts.$$"' EXIT
grep -v -E '^tests/(integration|attack)/' "${TMPDIR:-/tmp}/sysct-scripts.$$" | xargs shellcheck -x -P SCRIPTDIR
# there, what stands in single quotes is for the shell inside a box, and functions have arguments that may be left out
grep -E '^tests/(integration|attack)/' "${TMPDIR:-/tmp}/sysct-scripts.$$" | xargs shellcheck -x -P SCRIPTDIR -e SC2016,SC2119,SC2120
