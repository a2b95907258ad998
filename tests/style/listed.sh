#!/bin/sh
# What is not listed is not built: every source stands in meson.build, every unit test and fuzz target in tests/meson.build.
set -eu
cd "$(dirname "$0")/../.."
missing=0
miss() {
    echo "$1 is not listed in $2"
    missing=1
}
for file in src/*/*.c src/*.c; do
    grep -q -F "'$file'" meson.build || miss "$file" meson.build
done
for file in tests/unit/*/*.c; do
    name=${file#tests/unit/}
    grep -q -F "'${name%.c}'" tests/meson.build || miss "$file" tests/meson.build
done
for file in tests/attack/*.c; do
    grep -q -F "'attack/${file##*/}'" tests/meson.build || miss "$file" tests/meson.build
done
for file in tests/fuzz/*.c; do
    name=${file##*/}
    grep -q -F "'${name%.c}'" tests/meson.build || miss "$file" tests/meson.build
    [ -d "tests/fuzz/corpus/${name%.c}" ] || { echo "$file has no corpus"; missing=1; }
done
for file in tests/integration/*.sh; do
    case $file in */lib.sh) continue ;; esac
    grep -q '^\. .*/lib\.sh"$' "$file" || miss lib.sh "$file"
done
exit $missing
