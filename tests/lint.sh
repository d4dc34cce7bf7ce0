#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# shellcheck disable=SC2016,SC2317 # awk has its own $; functions are called through part
#
# What can be checked of the sources without running them, in TAP: `make lint`, and a test of
# `make check`.  A part whose tool is missing is skipped with the reason.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/.." && pwd)}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP
cd "$TOP" || exit 1
CC=${CC:-gcc}
CLANG=${CLANG:-clang}
n=0 failed=0

# Files of the project, by name pattern.  Not git's list: lint works in an unpacked archive too.
files() { # PATTERN...
	for pattern; do
		find . \( -name .git -o -path './build*' \) -prune -o -type f -name "$pattern" -print
	done | sed 's,^\./,,' | sort
}

shell_scripts() {
	files '*' | while read -r f; do
		case $(head -c 64 "$f" | head -n 1 | tr -d '\0') in
		'#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env bash'* | '# shellcheck shell='*) echo "$f" ;;
		esac
	done
}

# Runs a part; what it prints is its failure.  It skips itself by writing $tmp/skip.
part() { # FUNCTION
	n=$((n + 1))
	rm -f "$tmp/skip"
	"$1" >"$tmp/out" 2>&1
	if [ -s "$tmp/skip" ]; then
		echo "ok $n $1 # SKIP $(cat "$tmp/skip")"
	elif [ -s "$tmp/out" ]; then
		failed=1
		echo "not ok $n $1"
		head -n 60 "$tmp/out" | sed 's/^/# /'
	else
		echo "ok $n $1"
	fi
}

need() { # COMMAND
	command -v "$1" >/dev/null || {
		echo "'$1' is not installed" >"$tmp/skip"
		return 1
	}
}

# .clang-format is written for version 14; others format some things otherwise.
format() {
	for tool in clang-format-14 clang-format; do
		case $("$tool" --version 2>/dev/null) in
		*' 14.'*)
			files '*.c' '*.h' | xargs "$tool" --dry-run -Werror --ferror-limit=3 2>&1
			return
			;;
		esac
	done
	echo "clang-format 14 is not installed" >"$tmp/skip"
}

# Who may include whom (CONTRIBUTING.md): each quoted include names its folder.
include_directions() {
	files '*.c' '*.h' '*.S' | xargs awk '
		BEGIN {
			may["base"] = "base"
			may["runtime"] = "runtime"
			may["bpf"] = "base symbols bpf"
			may["symbols"] = "base symbols"
			may["formats"] = "base formats"
			may["cli"] = may["tests"] = "base runtime bpf symbols formats cli tests"
			may["samples"] = "runtime"
		}
		/^[ \t]*#[ \t]*include[ \t]*"/ {
			split($0, quoted, "\"")
			to = quoted[2]
			from = FILENAME
			sub(/\/.*/, "", from)
			if (from == "runtime" && to == "base/event.h")
				next
			# Programs on corun are built with corun-cc, as those of users are.
			if (to !~ /\// && FILENAME ~ /^(samples|tests\/data|tests\/corun)\//)
				next
			if (to !~ /\//) {
				print FILENAME ":" FNR ": include \"" to "\" without its folder"
				next
			}
			sub(/\/.*/, "", to)
			if (index(" " may[from] " ", " " to " ") == 0)
				print FILENAME ":" FNR ": " from "/ may not include " quoted[2]
		}'
}

# Each header compiles alone; those that only BPF programs include, as BPF.
headers_alone() {
	packages='libbpf libelf libdw capstone libzstd zlib jansson smartcols'
	# shellcheck disable=SC2046,SC2086 # words on purpose
	set -- -fsyntax-only -std=gnu11 -Wall -Wextra -Werror -Wno-gnu-variable-sized-type-not-at-end -D_GNU_SOURCE -iquote . -iquote runtime \
		$(${PKG_CONFIG:-pkg-config} --cflags $packages)
	for h in $(files '*.h'); do
		case $h in
		*.bpf.h) continue ;;
		esac
		printf '#include "%s"\n' "$h" | "$CC" "$@" -x c - >"$tmp/cc" 2>&1 || {
			echo "$h does not compile alone:"
			head -n 3 "$tmp/cc"
		}
	done
	arch=$("$CC" -print-multiarch 2>/dev/null)
	for h in $(files '*.bpf.h'); do
		need "$CLANG" || return
		printf '#include "%s"\n' "$h" | "$CLANG" -target bpf -fsyntax-only -g -O2 -std=gnu11 -Wall -Werror \
			-Wno-unused-function -D__TARGET_ARCH_x86 -D__x86_64__ \
			${arch:+-idirafter "/usr/include/$arch"} -iquote . -x c - >"$tmp/cc" 2>&1 || {
			echo "$h does not compile alone:"
			head -n 3 "$tmp/cc"
		}
	done
}

pages() {
	need mandoc || return
	set -- man/*.[1-9]
	[ -f "$1" ] || return 0
	mandoc -T lint -W warning "$@"
}

shell() {
	need shellcheck || return
	shell_scripts | xargs shellcheck -x -e SC2015 # a && b || c is used with a b that cannot fail
}

# At most 600 lines a file and 70 a function (from its '{' to its '}' in the first column).
sizes() {
	files '*.c' '*.h' '*.S' '*.sh' '*.go' '*.mk' | xargs awk '
		FNR == 1 { begin = 0 }
		FNR == 601 { print FILENAME ": more than 600 lines" }
		/^{$/ { begin = FNR }
		/^}/ && begin {
			if (FNR - begin - 1 > 70)
				print FILENAME ":" begin ": function of " FNR - begin - 1 " lines"
			begin = 0
		}'
}

text_files() {
	files '*' | grep -vE '^(LICENSE|LICENSES/.*|.*\.(svg|png|gz|zst|bin|cap|elf))$' |
		xargs grep -lI '' # not the binary ones
}

blanks() {
	text_files | xargs grep -nE '[ 	]+$'
	for f in $(text_files); do
		[ -z "$(tail -c 1 "$f")" ] || echo "$f: no newline at the end"
	done
}

# clang-format breaks a line of a comment that is too long, and may begin the next one without a blank.
joined() {
	files '*.c' '*.h' | xargs grep -nE '^ \*[A-Za-z(-]'
}

markers() {
	text_files | xargs grep -nwE 'TO''DO|FIX''ME|X''XX|HA''CK'
}

# The first or second line of a source says its licence.
licences() {
	for f in $(files '*.c' '*.h' '*.S' '*.sh' '*.go') $(shell_scripts); do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: ' || echo "$f: no SPDX line"
	done
	for f in $(files '*.bpf.c' '*.bpf.h'); do
		head -n 3 "$f" | grep -q 'GPL-2.0-only OR Apache-2.0' || echo "$f: not GPL-2.0-only OR Apache-2.0"
	done
}

echo 1..10
part format
part include_directions
part headers_alone
part pages
part shell
part sizes
part blanks
part joined
part markers
part licences
exit $failed
