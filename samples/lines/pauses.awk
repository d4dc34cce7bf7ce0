# SPDX-License-Identifier: Apache-2.0
# pauses.awk: how long collections stopped a Go program, from its gctrace lines.
#
#	stacktrace gc -f lines app.log | awk -f pauses.awk
#
# Reads Go's own format, from 1.6 on; a script that did so before reads what -f lines prints as well.

/^gc [0-9]+ @/ {
	# gc N @S.SSSs U%: A+B+C ms clock, ...
	split($5, clock, "+")
	pause = clock[1] + clock[3]
	total += pause
	if (pause > longest)
		longest = pause
	n++
}

END {
	printf "%d collections, stopped for %.3f ms in all, %.3f ms at most\n", n, total, longest
}
