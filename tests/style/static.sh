#!/bin/sh
# A program without shared libraries cannot load any later: sysct calls nothing of the C library that does (the name service switch,
# getaddrinfo(3), iconv(3), dlopen(3)). Programs of their own may.
set -eu
cd "$(dirname "$0")/../.."
# calls that read a file which they are given are none of these: fgetpwent(3)
calls='(get|set|end)(pw|gr|sp|host|serv|proto|net|rpc)ent(_r)?|get(pw(nam|uid)|gr(nam|gid)|spnam)(_r)?|getgrouplist|initgroups|innetgr
get(host|serv|proto|net|rpc)by[a-z0-9_]*|getaddrinfo|getnameinfo|getlogin(_r)?|res_[a-z]+|ether_(ntohost|hostton)|wordexp
iconv_open|dlm?open|setlocale'
found=0
# shellcheck disable=SC2046 # paths of ours have no blanks
grep -n -E "(^|[^a-zA-Z0-9_])($(echo "$calls" | tr '\n' '|' | sed 's/|$//'))\(([^0-9]|[0-9][^)])|GLOB_TILDE" \
    src/main.c $(find src include -mindepth 2 -name '*.[ch]' ! -path 'src/bus/*' ! -path 'src/table/*' ! -path 'src/seccomp/*') || found=$?
case $found in
0)
    echo "sysct may be without shared libraries: ask getent(1), or read the file"
    exit 1
    ;;
1) ;;
*) exit $found ;;
esac
