#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The main job on two programs of known shape: `make demo`.  In the environment: O, the build
# directory.  What cannot be shown is skipped with the reason; what can be shown must work.
set -u
O=${O:-build}
st=$O/bin/stacktrace

show() { # TITLE PROGRAM [ARG...]
	title=$1
	shift
	printf '\n== %s\n$ %s run -- %s\n\n' "$title" "$st" "$*"
	"$st" run -- "$@" || {
		status=$?
		echo "demo: '$st run -- $*' ended with status $status" >&2
		exit 1
	}
}

show "A C program on the bundled coroutine runtime: 200 coroutines that recurse" "$O/samples/c/recurse" -v 200

go=$O/samples/go/recurse
if [ ! -x "$go" ]; then
	printf '\n== A Go program: skipped, no Go toolchain was found when the samples were built\n'
elif ! why=$("$st" run -q --source=bpf -o /dev/null -- "$go" 1 2>&1); then
	printf '\n== A Go program: skipped, it is traced by BPF probes only, and here:\n%s\n' "$why"
else
	show "A Go program, as go build leaves it: 2,000 goroutines that recurse" "$go" -v 2000 64
fi
printf '\nThe lines before each summary are the program'\''s own arithmetic: compare the growths.\n'
