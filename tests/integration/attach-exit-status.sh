#!/bin/sh
# attach ends as the command did, or says as a shell does why there was none.
. "${0%/*}/lib.sh"

busybox box
ok sysct start box --wait
expect 0 sysct attach box -- true
expect 1 sysct attach box -- false
expect 42 sysct attach box -- sh -c 'exit 42'
expect 127 sysct attach box -- no-such-command
expect 126 sysct attach box -- /etc/passwd
expect 126 sysct attach box -- /etc
expect 143 sysct attach box -- sh -c 'kill -TERM $$'
expect 137 sysct attach box -- sh -c 'kill -KILL $$'
expect 125 sysct attach no-such-box -- true

say "a directory of PATH that does not answer, or cannot be, is no end of the search"
for error in ESTALE ENODEV ETIMEDOUT; do
    # of the second directory
    ok timeout 30 strace -f -o /dev/null -e trace=execve -e "inject=execve:error=$error:when=2" sysct attach box -- true
done
ok sysct attach -e "PATH=/$(head -c 5000 /dev/zero | tr '\0' x):/bin" box -- true
expect 126 sysct attach box -- "$(head -c 5000 /dev/zero | tr '\0' x)"

ok sysct stop box
expect 125 sysct attach box -- true
