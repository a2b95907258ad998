#!/bin/sh
# The rooms look only to the left, and each library is known to one source (scripts/check-layers).
exec "$(dirname "$0")/../../scripts/check-layers"
