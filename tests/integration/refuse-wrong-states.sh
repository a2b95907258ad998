#!/bin/sh
# Start of a running box, stop and attach of a stopped one, destroy of a running one.
. "${0%/*}/lib.sh"

busybox box
refused 4 'not run' sysct stop box
refused 4 'not run' sysct freeze box
ok sysct start box --wait
refused 4 'running|runs' sysct start box
refused 4 'running|runs' sysct destroy box
ok inside box true
ok sysct destroy --force box
refused 3 'box' sysct start box
