# runtime_bench.mk: the runtime against its peers.
#
# Its own parts are measured where they can be called: linked with its objects joined as in the
# library, but with all names.  A peer that is not installed leaves a program that says so with status 77.

bench_dir := $(O)/tests/bench/runtime
bench_mallocs := jemalloc mimalloc
bench_progs := $(addprefix $(bench_dir)/,corun stacks switch echo_client echo_epoll alloc-c $(bench_mallocs:%=alloc-%) prologue-corun prologue-plain)
bench_objs := $(O)/runtime/corun_open.o $(rt_alone_objs)
bench_cc = $(CC) $(CPPFLAGS) -std=gnu11 -O2 -g $(WARN) $(if $(DEV),-Werror) -o $@ $<
bench_link := $(bench_objs) -Wl,-z,now \
 $(foreach f,sigaction signal bsd_signal ssignal sysv_signal __sysv_signal,-Wl,--wrap=$f)

$(O)/runtime/corun_open.o: $(rt_core_objs)
	$(call say,LD)$(CORUN_CC) -r -nostdlib -o $@ $^ && $(OBJCOPY) $(rt_sections) $@

$(bench_progs): $(wildcard tests/bench/runtime/*.h) mk/runtime_bench.mk
$(bench_dir)/%-corun: tests/bench/runtime/%.c $(runtime-files)
	@mkdir -p $(@D)
	$(call say,CORUN)$(corun_cc) -O2 -g $(WARN) $(if $(DEV),-Werror) -iquote . -o $@ $<
$(bench_dir)/corun $(bench_dir)/stacks: $(bench_dir)/%: tests/bench/runtime/%.c $(runtime-files)
	@mkdir -p $(@D)
	$(call say,CORUN)$(corun_cc) -O2 -g $(WARN) $(if $(DEV),-Werror) -iquote . -o $@ $<
$(bench_dir)/echo_%: tests/bench/runtime/echo_%.c
	@mkdir -p $(@D)
	$(call say,CC)$(bench_cc)
$(bench_dir)/prologue-plain: tests/bench/runtime/prologue.c
	@mkdir -p $(@D)
	$(call say,CC)$(bench_cc) -fno-omit-frame-pointer
$(bench_dir)/switch: tests/bench/runtime/switch.c $(bench_objs)
	@mkdir -p $(@D)
	$(call say,CC)$(bench_cc) $(bench_link) $(if $(call has,-lboost_context),-DHAVE_BOOST -lboost_context)
$(bench_dir)/alloc-c: tests/bench/runtime/alloc.c $(bench_objs)
	@mkdir -p $(@D)
	$(call say,CC)$(bench_cc) $(bench_link)
$(bench_dir)/alloc-%: tests/bench/runtime/alloc.c $(bench_objs)
	@mkdir -p $(@D)
	$(call say,CC)$(if $(call has,-l$*),$(bench_cc) $(bench_link) -l$*,printf '#!/bin/sh\nexit 77\n' > $@; chmod 755 $@)

## bench: ratios to bpftrace, Go and other peers, each in one run (some minutes, on an idle machine)
bench: bench-runtime
## bench-runtime: the part of it that is about corun; ROWS='yield spawn' for some rows
bench-runtime: $(bench_progs) $(if $(ROWS),,$(c_samples) $(O)/bin/stacktrace)
	@TOP='$(CURDIR)' O='$(abspath $(O))' sh tests/bench/runtime.sh
	@$(if $(ROWS),,ST='$(abspath $(O))/bin/stacktrace' O='$(abspath $(O))' sh tests/bench/stacks.sh)
.PHONY: bench-runtime
