# Figures, never tests: absolute times mean nothing on a shared machine, ratios from one run do.

## FLAMEGRAPH=DIR where flamegraph.pl is, for bench to compare with
bench: $(O)/bin/stacktrace $(O)/tests/tools/formats_bench $(O)/tests/tools/lines_tool $(runtime-files) $(O)/samples/c/recurse
	TOP=$(CURDIR) ST=$(abspath $(O))/bin/stacktrace sh tests/bench/growth.sh
	TOP=$(CURDIR) ST=$(abspath $(O))/bin/stacktrace sh tests/bench/switches.sh
	TOP=$(CURDIR) O=$(abspath $(O)) ST=$(abspath $(O))/bin/stacktrace sh tests/bench/tool.sh
	O=$(abspath $(O)) ST=$(abspath $(O))/bin/stacktrace sh tests/bench/report.sh
	TOP=$(CURDIR) O=$(abspath $(O)) sh tests/bench/lines.sh
.PHONY: bench
## bench-gc: the collector against Go's and Boehm's
bench-gc: $(runtime-files)
	TOP=$(CURDIR) O=$(abspath $(O)) sh tests/bench/gc.sh
.PHONY: bench-gc
