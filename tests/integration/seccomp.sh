#!/bin/sh
# [security] seccomp: the filter of init is that of attach, whatever the configuration says meanwhile; a profile of one's
# own; none; a kept filter is used again, and never for another profile; wrong profiles are refused with their line.
# shows: security.seccomp
. "${0%/*}/lib.sh"

status() { inside box sed -n "s/^$1:.//p" "/proc/$2/status"; }
profile=$TEST_TMP/mine.profile
again() {
    ok sysct stop --now box
    ok sysct start box
}

busybox box
ok sysct start box --wait
same "$(status Seccomp 1) $(status Seccomp self)" "2 2" "mode of init and of attach"
same "$(status Seccomp_filters 1)" "$(status Seccomp_filters self)" "filters of init and of attach"

say "a change counts from the next start on, for attach too"
ok sysct config set box security.seccomp=none
same "$(status Seccomp self)" 2 "mode before the restart"
again
same "$(status Seccomp 1) $(status Seccomp self)" "0 0" "mode with seccomp = none"

say "a profile of one's own"
cp "$SYSCT_DATA_DIR/seccomp/default.profile" "$profile"
echo 'EXDEV ?mkdir mkdirat   # of all errors this one, to know it again' >>"$profile"
ok sysct config set box "security.seccomp=$profile"
again
expect 1 inside box mkdir /root/x
has "$(cat "$ERR")" 'cross-device' "mkdir under the profile"
ok inside box touch /root/x

say "kept, and used again"
kept() { find "$SYSCT_CACHE_DIR/seccomp" -name '*.filter' -printf '%f %i\n' | sort; }
before=$(kept)
again
same "$(kept)" "$before" "the kept filters"
for file in "$SYSCT_CACHE_DIR"/seccomp/*.filter; do truncate -s 100 "$file"; done
again
expect 1 inside box mkdir /root/y
has "$(cat "$ERR")" 'cross-device' "mkdir after the kept filter was cut"
echo 'allow mkdirat ?mkdir' >>"$profile"
again
ok inside box mkdir /root/y
ok sysct stop --now box

say "refused"
echo 'EPERM opeen' >>"$profile"
refused 2 "mine\.profile:$(wc -l <"$profile"): there is no system call \"opeen\"" sysct start box
has "$(cat "$ERR")" 'did you mean "open"' hint
sed -i '$d' "$profile"
chmod 666 "$profile"
refused 1 'nobody else may write' sysct start box
rm "$profile"
refused 1 'open the profile' sysct start box
refused 2 'open the profile' sysct config set box security.seccomp="$TEST_TMP/other.profile"
echo 'default ENOSYS' >"$TEST_TMP/other.profile"
echo 'alow read' >>"$TEST_TMP/other.profile"
refused 2 'other.profile:2: "alow" is no action' sysct config set box security.seccomp="$TEST_TMP/other.profile"
same "$(sysct config get box security.seccomp)" "$profile" "what is set after the refusals"
expect 2 sysct config set box security.seccomp=mine
has "$(cat "$ERR")" 'security\] seccomp: "mine".*allowed: default, none, or the absolute path' "a relative path"
expect 2 sysct config set box security.seccomp=none security.hardened=yes
has "$(cat "$ERR")" 'exclude each other' "hardened without a filter"
