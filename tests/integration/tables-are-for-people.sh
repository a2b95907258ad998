#!/bin/sh
# Tables have straight columns, sizes with units, and colours on a terminal alone, not with NO_COLOR and not on a dumb one; JSON has
# the same sizes in bytes, and neither JSON nor CSV has a colour anywhere.
. "${0%/*}/lib.sh"

busybox a
busybox much-longer-name-than-that --size 2G --set limits.memory=64M
ok sysct start a --wait

cat >"$TEST_TMP/straight.py" <<'EOS'
"""Each word of the heading begins, or where numbers stand ends, where all cells of its column do; sizes are those of the JSON."""
import json, re, sys
table, data, sizes = open(sys.argv[1]).read().splitlines(), json.load(open(sys.argv[2])), sys.argv[3:]
heads = [(m.group(), m.start(), m.end()) for m in re.finditer(r"\S+", table[0])]
assert len(table) == len(data) + 1, table
for line, row in zip(table[1:], data):
    for i, (head, start, end) in enumerate(heads):
        right = head in ("MEMORY", "DISK", "SIZE")
        if right:
            cell = line[:end].split()[-1]
            assert line[end:end + 1] in ("", " "), (head, line)
            key = dict(s.split("=") for s in sizes)[head]
            if cell == "-":
                assert not row[key], (head, row[key])
                continue
            number, unit = re.fullmatch(r"([0-9.]+)([BKMGT])", cell).groups()
            shown = float(number) * 1024 ** "BKMGT".index(unit)
            assert key == "memory_used" or abs(shown - row[key]) <= max(0.06 * row[key], 1), (cell, row[key])
        else:
            assert line[start] != " " and (start == 0 or line[start - 1] == " "), (head, line)
EOS
straight() {
    "$@" >"$TEST_TMP/table"
    "$@" --format json >"$TEST_TMP/json"
}
straight sysct list
ok python3 "$TEST_TMP/straight.py" "$TEST_TMP/table" "$TEST_TMP/json" MEMORY=memory_used DISK=disk_used SIZE=disk_size
straight sysct image list
ok python3 "$TEST_TMP/straight.py" "$TEST_TMP/table" "$TEST_TMP/json" DISK=disk_used
same "$(grep -c '"disk_used": [0-9]\{4,\},' "$TEST_TMP/json")" "$(grep -c '"key"' "$TEST_TMP/json")" "images with their bytes"
straight sysct doctor program
python3 - "$TEST_TMP/table" <<'EOS' || fail "doctor: $(cat "$TEST_TMP/table")"
import sys
table = open(sys.argv[1]).read().split("\n\n")[0].splitlines()
for head in "ID", "WHAT", "FINDING":
    at = table[0].index(head)
    assert all(line[at - 1] == " " and line[at] != " " for line in table[1:]), head
EOS
# info: labels in one column, values in another
sysct info much-longer-name-than-that >"$TEST_TMP/info"
same "$(grep -v ':$' "$TEST_TMP/info" | grep -v -c -E '^.{19}[ :] *[^ ]|^.{20}[^ ]' || :)" 0 "crooked lines of info"
has "$(cat "$TEST_TMP/info")" '^  Size: +2G$' "the size for people"
has "$(cat "$TEST_TMP/info")" '^  memory: +64M$' "a limit for people"
same "$(field much-longer-name-than-that disk_size)" 2147483648 "the size in bytes"

say "colours"
escape=$(printf '\033')
# on_terminal WORDS...: what sysct prints on a terminal
on_terminal() { terminal exit=0 -- "$@"; }
for command in 'list' 'info a' 'doctor kernel.openat2'; do
    # shellcheck disable=SC2086 # words
    on_terminal env -u NO_COLOR TERM=xterm sysct $command >"$OUT"
    grep -q "$escape\[32m" "$OUT" || fail "$command: no green on a terminal: $(cat -v "$OUT")"
    for environment in NO_COLOR=1 TERM=dumb; do
        # shellcheck disable=SC2086
        on_terminal env -u NO_COLOR TERM=xterm $environment sysct $command >"$OUT"
        if grep -q "$escape" "$OUT"; then fail "$command: colours with $environment: $(cat -v "$OUT")"; fi
    done
    for format in json csv; do
        # shellcheck disable=SC2086
        on_terminal env -u NO_COLOR TERM=xterm sysct $command --format $format >"$OUT"
        if grep -q "$escape" "$OUT"; then fail "$command: colours in $format"; fi
    done
    # shellcheck disable=SC2086
    env -u NO_COLOR TERM=xterm sysct $command >"$OUT"
    if grep -q "$escape" "$OUT"; then fail "$command: colours in a file"; fi
done
