# SPDX-License-Identifier: Apache-2.0
# bash completion for stacktrace(1).  The program itself says what commands, options and formats there are.

_stacktrace_options() {
	stacktrace "$1" --help 2>/dev/null | grep -oE '(^|[ ,])--[a-z][a-z-]*=?' | tr -d ' ,' | sort -u
}

_stacktrace_formats() {
	stacktrace "$1" --help 2>/dev/null | sed -n '/^Formats:/,$s/^  \([a-z]*\)  *.*/\1/p'
}

# Columns as the complaint about an unknown one lists them.
_stacktrace_columns() {
	local c=report
	case $1 in gc | sched) c=$1 ;; esac
	stacktrace $c --columns=? /dev/null 2>&1 | sed -n 's/.* is not one of //p' | tr -d ','
}

_stacktrace() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="$(stacktrace --list-commands 2>/dev/null) --help --version"
	else
		case $prev in
		-f | --format)
			words=$(_stacktrace_formats "${COMP_WORDS[1]}")
			case ${COMP_WORDS[1]} in
			dump | info) words="text json" ;;
			diff) words="table csv json folded" ;;
			probe | doctor) words="table json" ;;
			esac
			;;
		--source) words="auto bpf ring" ;;
		--sort | --columns) words=$(_stacktrace_columns "${COMP_WORDS[1]}") ;;
		--by)
			words="growth creator leaf stack step coroutine process time alive start"
			[ "${COMP_WORDS[1]}" = diff ] && words="growth creator leaf total"
			;;
		--per) words="run second coroutine request" ;;
		--weight) words="growths bytes time waste" ;;
		--events) words="gogo park ready" ;;
		--count) words="newstack stackalloc stackfree" ;;
		--uprobes) words="auto perf trap" ;;
		-p | --pid) words=$(ps -eo pid= 2>/dev/null) ;;
		help) words=$(stacktrace --list-commands 2>/dev/null) ;;
		-u | --user)
			mapfile -t COMPREPLY < <(compgen -u -- "$cur")
			return
			;;
		*)
			if [[ $cur == -* ]]; then
				words=$(_stacktrace_options "${COMP_WORDS[1]}")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
				return
			fi
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

complete -o filenames -F _stacktrace stacktrace
