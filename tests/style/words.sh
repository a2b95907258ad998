#!/bin/sh
# The tree names no place where it happened to be made, and no host of a package registry: what is downloaded comes from
# the distributions, by the templates.
set -eu
cd "$(dirname "$0")/../.."
found=0
# brackets, so that this file does not find itself
for pattern in '(^|[^a-z])/wor[k]/' '/home/[a-z]+/(sysct|src|wor[k])/main' 'pyp[i]\.org' 'pythonhoste[d]\.org' 'npmj[s]\.(com|org)' \
    'crate[s]\.io' 'rubygem[s]\.org' 'prox[y]\.golang' 'repo[1]?\.maven' 'docke[r]\.io' 'quay\.i[o]' 'ghcr\.i[o]' 'gcr\.i[o]' \
    'artifactor[y]' 'hug[g]ingface'; do
    if grep -rnIE --exclude-dir=.git --exclude=.git --exclude-dir='build*' -e "$pattern" .; then
        echo "  ^ matches $pattern"
        found=1
    fi
done
exit $found
