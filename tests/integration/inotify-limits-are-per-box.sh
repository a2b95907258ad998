#!/bin/sh
# A box that takes all its inotify instances leaves every other box its own: limits of users do not leak.
. "${0%/*}/lib.sh"

busybox one
busybox two
ok sysct start one two --wait
# a static program of the box's size: counts how many instances it can hold, and keeps them
cat >"$TEST_TMP/take.c" <<'EOS'
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int n = 0;
	(void)argv;
	while (inotify_init() >= 0)
		n++;
	printf("%d\n", n);
	fflush(stdout);
	if (argc > 1)
		sleep(100);
	return 0;
}
EOS
ok gcc -static -O1 -o "$TEST_TMP/take" "$TEST_TMP/take.c"
for box in one two; do
    sysct attach -T $box -- sh -c 'cat >/root/take && chmod 755 /root/take' <"$TEST_TMP/take"
done
alone=$(inside two /root/take)
[ "$alone" -gt 16 ] || fail "only $alone instances to begin with"
sysct attach -T one -- /root/take hold </dev/null >"$TEST_TMP/held" &
eventually 10 test -s "$TEST_TMP/held"
[ "$(cat "$TEST_TMP/held")" -ge "$alone" ] || fail "the first got $(cat "$TEST_TMP/held") of $alone"
same "$(inside two /root/take)" "$alone" "instances of the second while the first holds all of its own"
same "$(inside one /root/take)" 0 "instances of the first"
