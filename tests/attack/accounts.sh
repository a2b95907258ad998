#!/bin/sh
# accounts.sh BOX: what stands in a container's /etc/passwd, and what is asked for by -u, never makes another user than the
# one that was named, and never holds up who attaches (A5, A6). The container must run; its files are put back.
HERE=$(cd "${0%/*}" && pwd)
# shellcheck source=tests/attack/lib.sh
. "$HERE/lib.sh"

BOX=${1:?usage: accounts.sh BOX}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/attack-XXXXXX")
trap 'rm -rf "$WORK"' EXIT
LIMIT=10	# seconds: bounded is what counts

enter() { timeout -k 2 $LIMIT sysct attach -T "$BOX" "$@" </dev/null; }

# --- A5: whom -u means. SPEC WANTED: the uid and gid, or no ---
enter -- sh -c 'cp -p /etc/passwd /etc/passwd.saved; cp -p /etc/group /etc/group.saved
    printf "%s\n" joe:x:1234:1234::/:/bin/sh 1000:x:0:0::/:/bin/sh 4294967295:x:0:0::/:/bin/sh -1:x:0:0::/:/bin/sh :x:0:0::/:/bin/sh \
        +0:x:0:0::/:/bin/sh evil:x:4294967296:0::/:/bin/sh neg:x:-1:-1::/:/bin/sh hex:x:0x0:0x0::/:/bin/sh >>/etc/passwd
    printf "%s\n" staff:x:50:joe 77:x:0: big:x:4294967295:joe >>/etc/group'
wrong=''
n=0
while IFS='	' read -r spec wanted; do
    n=$((n + 1))
    if got=$(enter -u "$spec" -- sh -c 'echo $(id -u) $(id -g)' 2>/dev/null); then :; else got=no; fi
    [ "$got" = "$wanted" ] || wrong="$wrong \"$spec\" is \"$got\" and not \"$wanted\";"
done <<'EOS'
root	0 0
0	0 0
joe	1234 1234
1234	1234 1234
1234:50	1234 50
joe:staff	1234 50
1000	1000 1000
65535	65535 65535
7:77	7 77
00	no
0000000000000000000000	no
:	no
:0	no
0:	no
-1	no
-0	no
+0	no
4294967295	no
4294967296	no
4294967294	no
18446744073709551616	no
99999999999999999999999999	no
65536	no
0x0	no
0x3e8	no
1e3	no
1.0	no
 0	no
0 	no
0:-1	no
0:4294967295	no
0:4294967296	no
joe:nobody-here	no
nobody-here	no
../etc/passwd	no
joe:staff:root	no
root/../root	no
neg	no
hex	no
evil	no
%s	no
$(id)	no
ROOT	no
EOS
# what is written with zeros in front is the number all the same, or refused: never somebody else
wrong=$(printf '%s' "$wrong" | sed 's/ "0*" is "0 0" and not "no";//g')
if [ -z "$wrong" ]; then pass A5-names "$n ways to name a user: that one or none"; else breach A5-names "$wrong"; fi
got=$(enter -u joe -- id -G)
same_text A5-joe "groups" "$got" "1234 50"
enter -- sh -c 'cat /etc/passwd.saved >/etc/passwd; cat /etc/group.saved >/etc/group'

# --- A6: what /etc/passwd is ---
# one NAME COMMAND: root is still root, or there is an error, and it does not take for ever
one() {
    enter -- sh -c "rm -rf /etc/passwd /etc/group; $2; ln -sf /etc/passwd /etc/group 2>/dev/null || :" || :
    rc=0
    # by the kernel: programs inside would read the file that is a trap
    enter -- /bin/busybox grep ^Uid: /proc/self/status >"$WORK/out" 2>"$WORK/err" || rc=$?
    got=$(tr -s '\t' ' ' <"$WORK/out")
    case $rc:$got in
    "0:Uid: 0 0 0 0") pass "A6-$1" "entered as root" ;;
    125:*) pass "A6-$1" "refused: $(head -n 1 "$WORK/err")" ;;
    124:* | 137:*) breach "A6-$1" "attach hangs" ;;
    *) breach "A6-$1" "status $rc, uid \"$got\"" ;;
    esac
}
one fifo 'mkfifo /etc/passwd'
one endless 'ln -s /dev/zero /etc/passwd'
one terminal 'ln -s /dev/console /etc/passwd'
one directory 'mkdir /etc/passwd'
one loop 'ln -s passwd /etc/passwd'
one process 'ln -s /proc/1/environ /etc/passwd'
one sparse 'truncate -s 10G /etc/passwd'
one nul 'head -c 100000 /dev/zero >/etc/passwd'
one long 'yes aaaaaaaaaaaaaaa | tr -d "\n" | head -c 900000 >/etc/passwd'
one many 'yes "u:x:1:1::/:/bin/sh" | head -n 200000 >/etc/passwd'
one minus 'printf "root:x:-1:-1::/:/bin/sh\n" >/etc/passwd'
one overflow 'printf "root:x:4294967296:4294967296::/:/bin/sh\n" >/etc/passwd'
one groups 'printf "root:x:0:0::/:/bin/sh\n" >/etc/passwd; seq 1 70000 | sed "s/.*/g&:x:&:root/" >/etc/group.new; mv /etc/group.new /etc/group'
# homes and shells that lead elsewhere: into the descriptors of who enters, above the root
i=0
wrong=''
for home in /proc/self/fd/3 /proc/self/fd/4 /proc/self/fd/5 /proc/self/fd/6 /proc/self/fd/7 /proc/self/fd/8 /proc/self/fd/9 \
    /proc/1/root/../.. /proc/self/root/../../.. /../../.. /proc/self/cwd; do
    i=$((i + 1))
    enter -- sh -c "rm -rf /etc/passwd; printf 'root:x:0:0::%s:/bin/sh\n' $home >/etc/passwd"
    got=$(enter -- /attack/inside --only A2-held 7</ 8</etc 2>&1) || :
    case $got in *' PASS '*) ;; *) wrong="$wrong home $home: $got" ;; esac
    got=$(enter -w "$home" -- /attack/inside --only A2-held 7</ 8</etc 2>&1) || :
    case $got in *' PASS '* | sysct:*) ;; *) wrong="$wrong -w $home: $got" ;; esac
done
if [ -z "$wrong" ]; then pass A6-home "$i homes, none of them outside"; else breach A6-home "$wrong"; fi
enter -- sh -c 'rm -rf /etc/passwd /etc/group; mv /etc/passwd.saved /etc/passwd; mv /etc/group.saved /etc/group'
