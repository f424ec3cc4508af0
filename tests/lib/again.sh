#!/bin/sh
# again.sh COMMAND…: runs a test, and once more when it failed, for on a machine
# that is too busy one may wait in vain for what is right. What a sanitizer
# reports is never tried again. The first failure is kept as a TAP comment, and
# `autogen.sh check` says which tests needed it.
first=$(mktemp -d) || exit 99
trap 'rm -rf "$first"' EXIT
"$@" >"$first/out" 2>"$first/err"
status=$?
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
"$@"
