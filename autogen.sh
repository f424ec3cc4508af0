#!/bin/sh
# ./autogen.sh          generates configure, nothing else
# ./autogen.sh demo     installs what is missing, builds, shows the whole thing
# ./autogen.sh check    installs what is missing, builds, runs every test
# ./autogen.sh bench    installs what is missing, builds, runs the benchmarks
set -eu
cd "$(dirname "$0")"

# Debian 12's packages, by what needs them. HACKING.md says why each library.
PACKAGES_BUILD="autoconf automake pkg-config gcc make libc6-dev
	libcurl4-openssl-dev libc-ares-dev libmicrohttpd-dev librrd-dev
	libconfig-dev libuv1-dev libsqlite3-dev libjansson-dev libxml2-dev
	libpcre2-dev libssl-dev ca-certificates"
PACKAGES_DEMO="libgnutls28-dev openssl rrdtool fonts-dejavu-core"
PACKAGES_CHECK="libcmocka-dev clang clang-format-14 sqlite3 xz-utils mandoc locales
	prometheus-alertmanager
	$PACKAGES_DEMO"
PACKAGES_BENCH="nginx-light prometheus-blackbox-exporter $PACKAGES_DEMO"

generate() {
	mkdir -p build-aux m4
	autoreconf --force --install
}

installed() {
	dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok'
}

# Installs those of the named packages that are not there yet.
need() {
	missing=
	for package; do
		installed "$package" || missing="$missing $package"
	done
	# The simulators' driver and the tests run on Node 18 or later, from
	# whatever source it was installed.
	command -v node >/dev/null || missing="$missing nodejs"
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || {
		echo "autogen.sh: not a Debian system; please install:$missing" >&2
		exit 1
	}
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "autogen.sh: as root, please run: apt-get install$missing" >&2
			exit 1
		}
		as_root=sudo
	fi
	echo "Installing:$missing"
	$as_root apt-get -qq update
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
		--no-install-recommends $missing >/dev/null
}

processors() {
	getconf _NPROCESSORS_ONLN
}

# build DIR TARGET CONFIGURE-ARGUMENTS…: quiet unless it fails. One target at
# a time: make all is a make of its own.
build() {
	dir=$1
	target=$2
	shift 2
	mkdir -p "build/$dir"
	(
		cd "build/$dir"
		log=build.log
		if ! { ../../configure "$@" && make -j"$(processors)" $target; } \
			>$log 2>&1; then
			tail -n 60 $log >&2
			echo "autogen.sh: the build in build/$dir failed; its log is build/$dir/$log" >&2
			exit 1
		fi
	)
}

demo() {
	# shellcheck disable=SC2086
	need $PACKAGES_BUILD $PACKAGES_DEMO
	case " $* " in *' --help '*) exec node tests/sim/demo.mjs --help ;; esac
	node tests/sim/demo.mjs --check-arguments "$@"
	[ -x configure ] || generate >/dev/null 2>&1
	echo "Building…"
	build demo all
	build demo tests/sim/dyzurny-sim
	abs_top_builddir=$PWD/build/demo exec node tests/sim/demo.mjs "$@"
}

# check_in DIR COMMAND…: runs it and adds up what automake's harness counts.
passed=0
failed=0
skipped=0
broken=
check_in() {
	dir=$1
	shift
	log=build/$dir/check.log
	echo "== $dir"
	: >"$SECOND_TRIES"
	if ! (cd "build/$dir" && "$@") >"$log" 2>&1; then
		broken="$broken $dir"
		grep -E '^(FAIL|ERROR|XPASS): |: (error|warning):' "$log" | sort -u |
			head -n 40 >&2 || true
		grep -E -B 6 -A 24 '^not ok|Sanitizer:|runtime error:' "$log" |
			head -n 120 >&2 || true
		tail -n 20 "$log" >&2
	fi
	count() {
		awk -v key="# $1:" '/^Testsuite summary/ { on = 1 }
			on && index($0, key) == 1 { n += $3 }
			/^# ERROR:/ { on = 0 }
			END { print n + 0 }' "$log"
	}
	p=$(count PASS) f=$(($(count FAIL) + $(count ERROR) + $(count XPASS))) s=$(count SKIP)
	echo "   $p passed, $f failed, $s skipped"
	sed 's/^/   needed a second try: /' "$SECOND_TRIES"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

check() {
	# shellcheck disable=SC2086
	need $PACKAGES_BUILD $PACKAGES_CHECK
	generate >/dev/null 2>&1
	SECOND_TRIES=$PWD/build/second-tries # tests/lib/again.sh
	export SECOND_TRIES
	# More at once than there are processors: most tests wait most of the time.
	j=-j$(($(processors) + 2))
	# The distribution, built out of a read-only tree, with all tests.
	mkdir -p build/gcc
	(cd build/gcc && ../../configure --quiet --enable-werror)
	# clang finds other things; its build must be as clean. It is made while the
	# tests wait.
	(build clang all --quiet --enable-werror CC=clang) &
	clang=$!
	check_in gcc make -s "$j" distcheck VERBOSE=1 \
		DISTCHECK_CONFIGURE_FLAGS="--quiet --enable-werror"
	echo "== clang"
	wait $clang
	for sanitizer in address,undefined thread; do
		dir=$(echo $sanitizer | tr , -)
		mkdir -p "build/$dir"
		(cd "build/$dir" && ../../configure --quiet --enable-werror \
			--with-sanitizer=$sanitizer CFLAGS="-O1 -g")
		# the thread checker needs most of the machine for itself
		[ $sanitizer != thread ] || j=-j$(processors)
		check_in "$dir" make -s "$j" check VERBOSE=1
	done
	[ -z "$broken" ] || echo "failed in:$broken" >&2
	if [ -n "$broken" ] && [ "$failed" -eq 0 ]; then
		failed=1 # a build that broke before its tests ran
	fi
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}

bench() {
	# shellcheck disable=SC2086
	need $PACKAGES_BUILD $PACKAGES_CHECK $PACKAGES_BENCH
	[ -x configure ] || generate >/dev/null 2>&1
	echo "Building…"
	build bench all
	make -s -C build/bench bench
}

usage() {
	echo "usage: ./autogen.sh [demo [--for 90s] [--port 8420] [--state DIR] | check | bench]"
}

case "${1-}" in
'') generate ;;
demo)
	shift
	demo "$@"
	;;
check) check ;;
bench) bench ;;
-h | --help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
