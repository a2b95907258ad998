#!/bin/sh
# A program without shared libraries cannot load any later: sysct calls nothing of the C library that does (the name service switch,
# getaddrinfo(3), iconv(3), dlopen(3)). Programs of their own may.
set -eu
cd "$(dirname "$0")/../.."
# calls that read a file which they are given are none of these: fgetpwent(3)
# shellcheck disable=SC2046 # paths of ours have no blanks
if grep -n -E '\b(getpw(nam|uid|ent)(_r)?|getgr(nam|gid|ent)(_r)?|getgrouplist|getspnam|wordexp|initgroups|getservby[a-z_]*|getprotoby[a-z_]*|gethostby[a-z0-9_]*|getaddrinfo|getnameinfo|iconv_open|dlopen|setlocale)\(' \
    src/main.c $(find src -mindepth 2 -name '*.c' ! -path 'src/bus/*' ! -path 'src/table/*' ! -path 'src/seccomp/*'); then
    echo "sysct may be without shared libraries: ask getent(1), or read the file"
    exit 1
fi
