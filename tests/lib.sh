# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# What script tests share:  . "$TOP/tests/lib.sh"
#
# The functions print what went wrong and leave the count of failures in $fails; a test ends with
# `finish`.  Tests run in $T; the tools in tests/tools are in the PATH.

fails=0

fail() { # TEXT...
	echo "FAIL: $*"
	fails=$((fails + 1))
}

skip() { # REASON...
	echo "$*"
	exit 77
}

finish() {
	[ "$fails" = 0 ] || exit 1
	exit 0
}

equal() { # WHAT WANTED GOT
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

at_least() { # WHAT MINIMUM GOT: whole numbers
	[ "${3:-0}" -ge "$2" ] 2>/dev/null || fail "$1: wanted at least $2, got '$3'"
}

between() { # WHAT LOW HIGH GOT: decimal numbers
	awk -v low="$2" -v high="$3" -v got="$4" \
		'BEGIN { exit !(got ~ /^-?[0-9.eE+-]+$/ && got >= low && got <= high) }' ||
		fail "$1: wanted $2 to $3, got '$4'"
}

matches() { # WHAT REGEX FILE: some line of the file matches
	grep -qE -- "$2" "$3" || {
		fail "$1: nothing like '$2' in:"
		head -n 40 "$3"
	}
}

# Runs a command with a limit of 60 s (or $limit); standard output in out.txt, error in err.txt, the
# exit status in $status.
run() { # COMMAND...
	timeout "${limit:-60}" "$@" >out.txt 2>err.txt </dev/null
	status=$?
}

run_ok() { # COMMAND...
	run "$@"
	[ $status = 0 ] || {
		fail "$*: status $status"
		cat err.txt
	}
	[ $status = 0 ]
}

need_cmd() { # COMMAND...
	for c; do
		command -v "$c" >/dev/null || skip "needs '$c', which is not installed"
	done
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# The test needs BPF probes: the reason why they cannot be had is the tracer's own.
need_bpf() {
	"$ST" run -q --source=bpf -o /dev/null -- "$O/samples/c/recurse" 1 >/dev/null 2>why.txt ||
		skip "needs BPF: $(head -n 1 why.txt)"
}

need_go() { # GO VERSION: the path may be empty
	[ -n "$1" ] || skip "needs Go $2: $("$TOP/tests/find-go" "$2" 2>&1)"
}

# go build without network, modules or settings of the user.  The cache is shared by the tests.
go_build() { # GO OUTPUT FILE-OR-DIRECTORY [FLAG...]
	go_cmd=$1 go_out=$2 go_src=$3
	shift 3
	[ -f "$go_src" ] || go_src=$go_src/main.go
	env HOME="${HOME:-$T}" GOCACHE="$O/gocache" GO111MODULE=off GOENV=off GOFLAGS='' GOTOOLCHAIN=local \
		CGO_ENABLED="${CGO_ENABLED:-0}" "$go_cmd" build -o "$go_out" "$@" "$go_src"
}

# The text below EXAMPLES of a manual page that is set as it is.
page_example() { # PAGE
	awk '/^\.Sh / { examples = /EXAMPLES/ } /^\.Bd -literal$/ { inside = examples; next } /^\.Ed/ { inside = 0 } inside' "$1"
}
