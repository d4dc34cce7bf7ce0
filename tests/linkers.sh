#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs on corun, linked by each linker that knows split stacks: nothing that is wrapped is left undefined, and both sources of
# events count what the program counts.
. "$TOP/tests/lib.sh"

tried=
for linker in gold lld; do
	if ! command -v "ld.$linker" >/dev/null; then
		echo "$linker not tried: not installed"
		continue
	fi
	tried=yes
	for sample in recurse swarm pipeline; do
		CORUN_LD=$linker run_ok "$O/bin/corun-cc" -O2 -o $sample "$TOP/samples/c/$sample.c" || continue
		equal "$linker: $sample: undefined wrappers" '' "$(nm -D --undefined-only $sample | grep __wrap_)"
		run_ok "$ST" run -q --source=ring -f json -o report.json -- ./$sample -v || continue
		for what in coroutines growths bytes_copied; do
			equal "$linker: $sample: $what" "$(sed -n "s/^runtime\.$what //p" out.txt)" \
				"$(json report.json .summary.$what)"
		done
	done
done
[ -n "$tried" ] || skip "needs gold or lld"
finish
