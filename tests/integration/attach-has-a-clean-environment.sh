#!/bin/sh
# Nothing of the caller leaks in: environment, umask, limits, oom score.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
got=$(SECRET=x LD_PRELOAD='' LC_FOO=y sysct attach box -- env </dev/null | sort)
has "$got" '^PATH=/' PATH
has "$got" '^HOME=/root$' HOME
has "$got" '^container=' container
has "$got" '^USER=root$' USER
if printf '%s\n' "$got" | grep -E '^(SECRET|LD_|LC_FOO|SYSCT|TEST_|OLDPWD)'; then fail "of the caller"; fi
same "$(umask 077 && inside box sh -c umask)" 0022 umask
same "$(inside box cat /proc/self/oom_score_adj)" "$(inside box cat /proc/1/oom_score_adj)" oom_score_adj
# the soft one: a hard limit of the caller's cannot be raised again where root lacks CAP_SYS_RESOURCE
same "$(prlimit --nofile=77: sysct attach -T box -- grep 'open files' /proc/self/limits)" "$(inside box grep 'open files' /proc/1/limits)" limits
got=$(KEEP=me sysct attach --keep-env box -- sh -c 'echo $KEEP' </dev/null)
same "$got" me "with --keep-env"
