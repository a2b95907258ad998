#!/bin/sh
# timeout: 90
# shows: security.apparmor security.selinux
# [security] apparmor and selinux: where the kernel has the module active init and what is attached are held by it, from the
# start and over a reboot; where it has not, and where there is no such profile or context, the start is refused.
. "${0%/*}/lib.sh"

busybox box
tab=$(printf '\t')
for bad in "a${tab}b" 'caf\303\251'; do
    # shellcheck disable=SC2059 # with its escapes
    expect 2 sysct config set box "security.apparmor=$(printf "$bad")"
done
for bad in x u:r :r:t u::t u:r: 'u:r:t s0'; do
    expect 2 sysct config set box "security.selinux=$bad"
done

# label NAME: of init and of what is attached, one as the other
label() {
    init=$(inside "$1" cat /proc/1/attr/current | tr -d '\0')
    same "$(inside "$1" cat /proc/self/attr/current | tr -d '\0')" "$init" "what is attached"
    same "$(tr -d '\0' <"/proc/$(field "$1" init_pid)/attr/current")" "$init" "what the host sees"
    echo "$init"
}

profile=sysct-test-$$
ok sysct config set box security.apparmor=$profile
if cat /proc/self/attr/apparmor/current >/dev/null 2>&1; then
    say "AppArmor is active"
    refused 1 "profile \"$profile\": it is not loaded" sysct start box
    cat >"$TEST_TMP/profile" <<EOF
profile $profile flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  mount,
  umount,
  pivot_root,
  signal,
  ptrace,
  unix,
  deny /root/forbidden r,
}
EOF
    unload() { apparmor_parser -R "$TEST_TMP/profile" >/dev/null 2>&1 || :; }
    defer unload
    ok apparmor_parser -K -r "$TEST_TMP/profile"
    ok sysct start box --wait
    same "$(label box)" "$profile (enforce)" "what holds it"
    inside box sh -c 'echo x >/root/allowed && echo x >/root/forbidden'
    same "$(inside box cat /root/allowed)" x "a file that the profile allows"
    if inside box cat /root/forbidden 2>/dev/null; then fail "the profile forbids nothing"; fi
    terminal exit=0 -- sysct attach -t box -- sh -c 'cat /proc/self/attr/current; ! cat /root/forbidden' >"$OUT" || fail "with a terminal"
    grep -q "$profile (enforce)" "$OUT" || fail "with a terminal: $(cat "$OUT")"
    before=$(field box init_pid)
    ok inside box reboot
    booted_again() { in_state box running && [ "$(field box init_pid)" != "$before" ] && can_attach box; }
    eventually 30 booted_again
    same "$(label box)" "$profile (enforce)" "what holds it after a reboot"
    # attach has what init has, whatever is configured by now, or nothing
    ok sysct config unset box security.apparmor
    has "$(cat "$ERR")" 'security\.apparmor: at the next start' "what config unset says"
    same "$(label box)" "$profile (enforce)" "what holds it then"
    unload
    expect 125 inside box true
    has "$(cat "$ERR")" "profile \"$profile\": it is not loaded" "why"
    ok sysct stop --now box
    ok sysct start box --wait
    same "$(label box)" unconfined "without a profile"
    ok sysct stop --now box
else
    say "AppArmor is not active"
    refused 1 "profile \"$profile\": AppArmor is not active" sysct start box
    ok sysct config unset box security.apparmor
fi

ok sysct config set box security.selinux=no_such_u:no_such_r:no_such_t:s0
if grep -q selinuxfs /proc/filesystems; then
    say "SELinux is active"
    refused 1 'context "no_such_u:no_such_r:no_such_t:s0": Invalid argument' sysct start box
    own=$(tr -d '\0' </proc/self/attr/current)
    for other in unconfined_u:unconfined_r:unconfined_t:s0 system_u:system_r:initrc_t:s0 system_u:system_r:init_t:s0; do
        [ "$other" != "$own" ] || continue
        ! printf %s "$other" >/sys/fs/selinux/context || break
    done
    ok sysct config set box "security.selinux=$other"
    ok sysct start box --wait
    same "$(label box)" "$other" "its context"
    ok sysct restart box
    same "$(label box)" "$other" "its context after a restart"
    ok sysct stop --now box
else
    say "SELinux is not active"
    refused 1 'context "no_such_u:no_such_r:no_such_t:s0": SELinux is not active' sysct start box
fi
ok sysct config unset box security.selinux
ok sysct start box --wait
