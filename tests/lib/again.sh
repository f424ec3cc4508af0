#!/bin/sh
# again.sh COMMAND…: runs a scenario, and once more when it failed, for on a
# machine that is too busy one may wait in vain for what is right. What a
# sanitizer reports is never tried again. The first failure is kept as a TAP
# comment, and `autogen.sh check` says which scenarios needed it.
first=$(mktemp) || exit 99
trap 'rm -f "$first"' EXIT
"$@" >"$first" 2>&1
status=$?
if [ $status -eq 0 ] || grep -qE 'Sanitizer|runtime error:' "$first"; then
	cat "$first"
	exit $status
fi
echo "# needed a second try; the first gave:"
sed 's/^/#   /' "$first"
for name; do :; done
[ -z "${SECOND_TRIES-}" ] || echo "$name" >>"$SECOND_TRIES"
"$@"
