#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 600
# shellcheck disable=SC2016,SC2317 # awk has its own $; functions are called through check
#
# What symbols/ reads from Go programs, against what Go itself says, in TAP: functions against
# `go tool nm`, lines against `go tool addr2line`, and frames, inlined ones too, against the
# runtime.CallersFrames that each program prints of itself.  For each Go and each way of linking.
set -u
. "$TOP/tests/lib.sh"

data=$TOP/tests/data/symbols
n=0

# Runs a check; it passes if it prints nothing.
check() { # NAME COMMAND...
	n=$((n + 1))
	name=$1
	shift
	"$@" >check.txt 2>&1 || echo "status $?" >>check.txt
	if [ -s check.txt ]; then
		echo "not ok $n $name"
		head -n 20 check.txt | sed 's/^/# /'
		fails=$((fails + 1))
	else
		echo "ok $n $name"
	fi
}

skipped() { # NAME REASON
	n=$((n + 1))
	echo "ok $n $1 # SKIP $2"
}

# ---- frames ----

# Sums of hexadecimal numbers, one a line: "A - B" for each A of standard input.
minus() { # DECIMAL
	while read -r a; do printf '%x\n' $((0x$a - $1)); done
}

# The program prints return addresses; the call is one byte before.
frames() { # PROGRAM
	"./$1" >out.txt || return
	start=$(places "$1" function main.main) || return
	bias=$((0x$(sed -n 's/^main //p' out.txt) - 0x${start%% *}))
	sed -n 's/^pc \([0-9a-f]*\) .*/\1/p' out.txt | minus $((bias + 1)) >addresses.txt
	sed -n 's/^pc [0-9a-f]* \(.*\) \([0-9]*\)$/\1:\2/p; /^end/p' out.txt >want.txt
	places "$1" at - <addresses.txt >got.txt
	# Frame i of want is the innermost place of address i; the functions it was inlined into are
	# the frames behind it.
	awk '
		NR == FNR { want[++n] = $0; next }
		{
			address = $1
			sub(/^[^ ]* /, "")
			if (address == last && inlined) {
				j++
			} else {
				i++
				while (want[i] == "end")
					i++
				j = i
			}
			last = address
			inlined = sub(/ inlined$/, "")
			expanded += inlined
			if ($0 != want[j])
				print address ": got \"" $0 "\", wanted \"" want[j] "\""
		}
		END {
			while (want[i + 1] == "end")
				i++
			if (i != n || n < 100)
				print i " of " n " frames answered"
			if (!expanded && !may_lack_inlining)
				print "no inlined frame was found"
		}' may_lack_inlining="${2:-0}" want.txt got.txt
}

# ---- functions ----

# "address size name" as places prints; ABI suffixes dropped, type arguments shortened, which depends
# on the version in both tables.
normal() {
	sed 's/\.abi0$//; s/\.abiinternal$//; s/\[.*\]/[...]/'
}

# Every function is a symbol of nm with that address and name and not smaller, and every symbol between
# the first and the last function is a function.
functions_as_nm() { # GO PROGRAM
	GOTOOLCHAIN=local "$1" tool nm -n -size "$2" >nm.txt || return
	awk '$3 == "T" || $3 == "t" { a = $1; s = $2; $1 = $2 = $3 = ""; sub(/^ */, ""); print a, s, $0 }' \
		nm.txt | normal >want.txt
	places "$2" functions | normal >got.txt
	awk '
		NR == FNR { got[$1] = $0; size[$1] = $2; order[++n] = $1; next }
		!from && $1 == order[1] { from = 1 }
		$1 == order[n] { last = 1 }
		from && !over {
			a = $1; s = $2
			sub(/^[^ ]* [^ ]* /, "")
			# markers without size; the linker puts the text of other languages between them
			if (s > 0 && !(a in size))
				print a " " $0 " is missing"
			if (s > size[a] + 0 && a in size)
				print a " " $0 " has " size[a] " bytes, wanted " s
			name = got[a]
			sub(/^[^ ]* [^ ]* /, "", name)
			if (name == $0)
				same[a] = 1
			if (last)
				over = 1
		}
		END {
			for (i = 1; i <= n; i++)
				if (!(order[i] in same) && got[order[i]] !~ / go[.:]buildid$/)
					print "not in nm: " got[order[i]]
			if (n < 1000)
				print "only " n " functions"
		}' got.txt want.txt
}

# Stripping and damaged section headers change nothing.
functions_as() { # PROGRAM OTHER
	places "$1" functions >got.txt
	places "$2" functions >want.txt
	[ -s got.txt ] || echo "no functions"
	diff want.txt got.txt
}

# The functions that probes need are the real ones, not the wrappers of the same name.
runtime_functions() { # PROGRAM: functions_as_nm has left nm.txt
	for f in newstack copystack gogo newproc1 goexit1 gopark; do
		want=$(awk -v f="runtime.$f" '{ sub(/\.abi0$/, "", $4) } $4 == f && $2 >= max { max = $2; a = $1 }
			END { print a }' nm.txt)
		got=$(places "$1" function "runtime.$f")
		equal "runtime.$f" "$want" "${got%% *}"
	done
}

# ---- lines ----

# Function and line of two addresses of every third function.  addr2line prints the line of the
# innermost place and the name of the outermost; it guesses where there is no line.
lines() { # GO PROGRAM
	places "$2" sample 3 >got.txt
	awk '{ sub(/:$/, "", $1) } !seen[$1]++ { print $1 }' got.txt >addresses.txt
	GOTOOLCHAIN=local "$1" tool addr2line "$2" <addresses.txt | normal >want.txt
	awk '
		NR == FNR {
			sub(/ inlined$/, "")
			if ($1 != address) {
				line[++n] = $NF
				address = $1
			}
			at[n] = address
			sub(/^[^ ]* /, ""); sub(/ [^ ]*$/, "")
			name[n] = $0
			next
		}
		FNR % 2 { i++; function_ = $0; next }
		line[i] ~ /:0$/ { next }
		{
			compared++
			if ($0 != line[i])
				print at[i] " got " line[i] ", wanted " $0
			# "(*T).M" is left out where it only wraps T.M, which is inlined into it
			wrapped = function_
			sub(/\(\*/, "", wrapped)
			sub(/\)/, "", wrapped)
			if (name[i] != function_ && name[i] != wrapped)
				print at[i] " got " name[i] ", wanted " function_
		}
		END { if (compared < 500) print "only " compared + 0 " lines compared" }' got.txt want.txt
}

# ---- the rest ----

info() { # GO PROGRAM PIE
	places "$2" info >info.txt
	equal version "$(GOTOOLCHAIN=local "$1" env GOVERSION)" "$(sed -n 's/^version: //p' info.txt)"
	equal pie "$3" "$(sed -n 's/^pie: //p' info.txt)"
	grep -q '^build-id: ..........' info.txt || cat info.txt
}

# A function of C in a Go program: from the symbol table, with lines from DWARF.
c_function() { # PROGRAM: frames has left out.txt and the bias
	want=$(sed -n 's/^c \([0-9a-f]*\) c_sum/\1/p' out.txt | minus "$bias")
	got=$(places "$1" function c_sum)
	equal c_sum "$want" "${got%% *}"
	places "$1" at "$want" | grep -q ": c_sum .*with_c.go:1[0-9]$" || places "$1" at "$want"
}

# Damaged copies may be refused or misread; they must not crash or take long.
fuzz() { # PROGRAM
	image_fuzz "$1" 100 >fuzz.txt 2>&1 || {
		echo "image_fuzz: status $?"
		cat fuzz.txt
	}
}

no_section_headers() { # PROGRAM OUTPUT
	cp "$1" "$2" && for at in 40 60; do # e_shoff; e_shnum and e_shstrndx
		dd if=/dev/zero of="$2" bs=1 seek=$at count=$((at == 40 ? 8 : 4)) conv=notrunc 2>/dev/null
	done
}

build() { # GO OUTPUT [FLAG...]
	build_go=$1 out=$2
	shift 2
	go_build "$build_go" "$out" "$data/frames.go" "$@" 2>build.txt || {
		fail "cannot build $out"
		cat build.txt
		false
	}
}

plain() { # GO TAG
	build "$1" "$2" "$data/without_c.go" || return
	check "$2: frames" frames "$2"
	check "$2: functions" functions_as_nm "$1" "$2"
	check "$2: runtime functions" runtime_functions "$2"
	check "$2: lines" lines "$1" "$2"
	check "$2: info" info "$1" "$2" no
	build "$1" "$2-s" -ldflags='-s -w' "$data/without_c.go" || return
	check "$2-s: frames" frames "$2-s"
	check "$2-s: functions" functions_as "$2-s" "$2"
	check "$2-s: lines" lines "$1" "$2-s"
	check "$2-s: info" info "$1" "$2-s" no
	no_section_headers "$2-s" "$2-nosections"
	check "$2-nosections: frames" frames "$2-nosections"
	check "$2-nosections: functions" functions_as "$2-nosections" "$2"
	check "$2-nosections: info" info "$1" "$2-nosections" no
	check "$2-s: damaged copies" fuzz "$2-s"
	build "$1" "$2-l" -gcflags=all=-l "$data/without_c.go" || return
	check "$2-l: frames" frames "$2-l" 1
}

pie() { # GO TAG
	build "$1" "$2-pie" -buildmode=pie "$data/without_c.go" || return
	check "$2-pie: frames" frames "$2-pie"
	check "$2-pie: functions" functions_as_nm "$1" "$2-pie"
	check "$2-pie: runtime functions" runtime_functions "$2-pie"
	check "$2-pie: info" info "$1" "$2-pie" yes
	check "$2-pie: damaged copies" fuzz "$2-pie"
	no_section_headers "$2-pie" "$2-pie-nosections"
	check "$2-pie-nosections: frames" frames "$2-pie-nosections"
	check "$2-pie-nosections: functions" functions_as "$2-pie-nosections" "$2-pie"
}

with_c() { # GO TAG SUFFIX PIE [FLAG...]
	go=$1 tag=$2-$3 is_pie=$4
	shift 4
	CGO_ENABLED=1 build "$go" "$tag" "$@" "$data/with_c.go" || return
	check "$tag: frames" frames "$tag"
	check "$tag: C function" c_function "$tag"
	check "$tag: functions" functions_as_nm "$go" "$tag"
	check "$tag: runtime functions" runtime_functions "$tag"
	check "$tag: info" info "$go" "$tag" "$is_pie"
	strip -o "$tag-s" "$tag"
	no_section_headers "$tag-s" "$tag-nosections"
	check "$tag-nosections: frames" frames "$tag-nosections"
	check "$tag-nosections: functions" functions_as "$tag-nosections" "$tag"
}

one_go() { # GO VERSION
	if [ -z "$1" ]; then
		skipped "go$2" "$("$TOP/tests/find-go" "$2" 2>&1)"
		return
	fi
	plain "$1" "go$2"
	pie "$1" "go$2"
	if ! command -v "${CC:-gcc}" >/dev/null; then
		skipped "go$2-cgo" "needs a C compiler"
		return
	fi
	with_c "$1" "go$2" cgo no
	with_c "$1" "go$2" cgo-external no -ldflags=-linkmode=external
	with_c "$1" "go$2" cgo-pie yes -buildmode=pie -ldflags=-linkmode=external
	# lld leaves what the dynamic linker fills zero in the file
	if command -v ld.lld >/dev/null; then
		with_c "$1" "go$2" cgo-pie-lld yes -buildmode=pie \
			-ldflags='-linkmode=external -extldflags=-fuse-ld=lld'
	else
		skipped "go$2-cgo-pie-lld" "needs ld.lld"
	fi
}

one_go "${GO119:-}" 1.19
one_go "${GO122:-}" 1.22
echo "1..$n"
finish
