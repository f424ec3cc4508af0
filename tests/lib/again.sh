#!/bin/sh
# again.sh COMMAND…: runs a test, and once more when it failed, for on a machine
# that is too busy one may wait in vain for what is right. The second try has
# the machine for itself: it waits until the tests beside it have ended, and
# none begins meanwhile. What a sanitizer reports is never tried again. The
# first failure is kept as a TAP comment, and `autogen.sh check` says which
# tests needed it.
first=$(mktemp -d) || exit 99
trap 'rm -rf "$first"' EXIT

# All that run hold the room, shared. Who wants in goes through the door, one
# by one, so that nobody overtakes who waits for the room alone.
room=${abs_top_builddir-.}/tests/room
exec 8>"$room.door" 9>"$room"
flock 8
flock -s 9
flock -u 8
"$@" >"$first/out" 2>"$first/err" 8>&- 9>&-
status=$?
flock -u 9
if [ $status -eq 0 ] ||
	grep -qE 'Sanitizer|runtime error:' "$first/out" "$first/err"; then
	cat "$first/out"
	cat "$first/err" >&2
	exit $status
fi
echo "# needed a second try; the first gave:"
sed 's/^/#   /' "$first/out" "$first/err"
for name; do :; done
[ -z "${SECOND_TRIES-}" ] || echo "$name" >>"$SECOND_TRIES"
flock 8
flock 9
"$@" 8>&- 9>&-
