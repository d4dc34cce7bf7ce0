# runtime.mk: corun, its compiler wrapper, its tests, and the C samples.
#
# The runtime's objects are linked into one in which all names but the public ones are local, so
# that a program may have a schedule() of its own.  It is always optimised, since parts of it run on
# what room a coroutine has left, and never sanitized by SAN=: that is for the tracer; see sanitize.mk.

# Its objects and what corun-cc makes are gcc's, whatever compiles the tracer: clang rejects -fsplit-stack in
# variadic functions.  corun-cc knows it by the same name, as one word: what caches does not belong to it.
## CORUN_CC=gcc compiles the runtime, and programs for it; CC unless that is clang
compiler = $(shell $1 -dM -E -x c /dev/null 2>/dev/null | sed -n 's/^.define __\(clang\|GNUC\)__ .*/\1/p')
CORUN_CC ?= $(if $(findstring clang,$(call compiler,$(CC))),gcc,$(CC))
CORUN_CC := $(CORUN_CC)
rt_no_gcc := $(if $(call same,GNUC,$(call compiler,$(CORUN_CC))),,'$(CORUN_CC)' is no gcc, which the runtime needs; \
 install gcc, or name one: CORUN_CC=)

rt_drop := -fsanitize=% -fno-sanitize-recover=% -fstack-protector% -flto% -O% -pg -fprofile% --coverage
rt_cflags = $(filter-out $(rt_drop),$(CFLAGS)) -O2 -fPIE -fno-lto -fno-omit-frame-pointer -mno-red-zone \
 -fno-stack-protector -fcf-protection=none -fvisibility=hidden -U_FORTIFY_SOURCE
rt_cppflags = $(CPPFLAGS) -DCORUN_VERSION='"$(VERSION)"'

rt_alone := plain sigaction
rt_asm := switch_amd64 call_amd64 morestack_amd64 note_amd64
rt_core := $(filter-out $(rt_alone),$(patsubst runtime/%.c,%,$(wildcard runtime/*.c))) $(rt_asm)
rt_core_objs := $(rt_core:%=$(O)/runtime/%.o)
rt_alone_objs := $(rt_alone:%=$(O)/runtime/%.o)
rt_policies := mmap fixed segmented
runtime-lib := $(O)/lib/libcorun.a
runtime-files := $(runtime-lib) $(O)/lib/corun/wrap $(O)/lib/corun/shared.o \
 $(rt_policies:%=$(O)/lib/corun/policy-%.o) $(O)/bin/corun-cc $(O)/bin/corun-c++ $(O)/include/corun.h $(O)/lib/pkgconfig/corun.pc

all: $(runtime-files)

rt_text = $(CORUN_CC) $(rt_cppflags) $(rt_cflags)
$(O)/.flags-runtime: $(call changed,-runtime,$(rt_text))
	$(if $(rt_no_gcc),@echo "stacktrace: $(rt_no_gcc)" >&2; exit 1)
	$(call stamp,$(rt_text))

# What runs on a coroutine's stack without a check.  Their calls stay calls, so that reports name them.
rt_on_g := call cancel chan fd findrun heap lock mutex own probe proc runq select sync syscall time wait
$(rt_on_g:%=$(O)/runtime/%.o): rt_extra := -Wframe-larger-than=128 -fno-optimize-sibling-calls
# What checks its stack as a program does.
rt_checked := linkcheck_split file io net
rt_split_flags := -fsplit-stack -fno-omit-frame-pointer -maccumulate-outgoing-args -fno-ipa-profile
$(rt_checked:%=$(O)/runtime/%.o): rt_extra := $(rt_split_flags)

$(O)/runtime/%.o: runtime/%.c $(O)/.flags-runtime mk/runtime.mk
	@mkdir -p $(@D)
	$(call say,CC)$(CORUN_CC) $(rt_cppflags) $(rt_cflags) $(rt_extra) -MMD -MP -c $< -o $@
$(O)/runtime/%.o: runtime/%.S $(O)/.flags-runtime mk/runtime.mk
	@mkdir -p $(@D)
	$(call say,AS)$(CORUN_CC) $(rt_cppflags) $(rt_cflags) -MMD -MP -c $< -o $@

rt_join = $(call say,LD)$(CORUN_CC) -r -nostdlib -o $@ $^ && $(OBJCOPY) --localize-hidden $(rt_sections) $@
$(O)/runtime/corun.o: $(rt_core_objs)
	$(rt_join)
# The collector leaves out what the runtime itself has in memory.
rt_sections := --rename-section .bss=corun_bss --rename-section .data=corun_data
OBJCOPY ?= objcopy
AS ?= as

# One object a function: a program gets those it calls, and static ones nothing else.
$(O)/lib/corun/wrap: runtime/thunks.list runtime/thunks.awk
	@mkdir -p $(@D); rm -rf $(O)/runtime/thunks; mkdir -p $(O)/runtime/thunks
	$(call say,THUNKS)awk -v dir=$(O)/runtime/thunks -f runtime/thunks.awk runtime/thunks.list && \
	 cd $(O)/runtime/thunks && ls | sed -n 's/\.s$$//p' | xargs -P 2 -I NAME $(AS) -o NAME.o NAME.s && \
	 mv wrap $(abspath $@)

$(runtime-lib): $(O)/runtime/corun.o $(rt_alone_objs) $(O)/lib/corun/wrap
	@mkdir -p $(@D); rm -f $@
	$(rt_archive)
rt_archive = $(call say,AR)$(AR) rcs $@ $(filter %.o,$^) $(O)/runtime/thunks/*.o

$(O)/lib/corun/shared.o: $(O)/runtime/shared_amd64.o
	@mkdir -p $(@D)
	$(call say,COPY)cp $< $@
$(O)/lib/corun/policy-mmap.o: rt_policy := 2
$(O)/lib/corun/policy-fixed.o: rt_policy := 3
$(O)/lib/corun/policy-segmented.o: rt_policy := 4
$(O)/lib/corun/policy-%.o: runtime/policy_amd64.S mk/runtime.mk
	@mkdir -p $(@D)
	$(call say,AS)$(CORUN_CC) -DPOLICY=$(rt_policy) -c $< -o $@
$(O)/include/corun.h: runtime/corun.h
	@mkdir -p $(@D)
	$(call say,COPY)cp $< $@

rt_fill = sed -e 's,@VERSION@,$(VERSION),g' -e 's,@PREFIX@,$(PREFIX),g' -e 's,@LIBDIR@,$(LIBDIR),g' \
 -e 's,@INCLUDEDIR@,$(INCLUDEDIR),g'  -e 's,@LINKER@,$(rt_linker),g' -e 's,@ZERO@,$(rt_zero),g'
rt_zero = $(if $(call has_by,$(CORUN_CC),-ftrivial-auto-var-init=zero),-ftrivial-auto-var-init=zero)
has_by = $(shell echo 'int main(void){return 0;}' | $1 -x c - -o /dev/null $2 2>/dev/null && echo y)
has = $(call has_by,$(CC),$1)
rt_linker := $(firstword $(foreach l,gold lld,$(shell command -v ld.$(l) >/dev/null 2>&1 && echo $(l))) gold)
$(O)/bin/corun-cc: runtime/corun-cc.in Makefile mk/runtime.mk
	@mkdir -p $(@D)
	$(call say,GEN)$(rt_fill) $< > $@ && chmod 755 $@
$(O)/bin/corun-c++: $(O)/bin/corun-cc
	$(call say,LN)ln -sf corun-cc $@
$(O)/lib/pkgconfig/corun.pc: runtime/corun.pc.in Makefile mk/runtime.mk
	@mkdir -p $(@D)
	$(call say,GEN)$(rt_fill) $< > $@

# --- samples and tests, built as users build ------------------------------------------------------

corun_cc := CORUN_CC='$(lastword $(filter-out -%,$(CORUN_CC)))' $(O)/bin/corun-cc
# hashfiles needs libcrypto; where that is not, the others are there.
has_crypto := $(shell printf '\043include <openssl/evp.h>\nint main(void){return !EVP_sha256();}' | \
 $(CORUN_CC) -x c - -o /dev/null -lcrypto 2>/dev/null && echo y)
c_samples := $(patsubst samples/c/%.c,$(O)/samples/c/%,$(filter-out $(if $(has_crypto),,%/hashfiles.c),$(wildcard samples/c/*.c)))
samples: $(c_samples)
$(O)/samples/c/%: samples/c/%.c $(wildcard samples/c/*.h) $(runtime-files)
	@mkdir -p $(@D)
	$(call say,CORUN)$(corun_cc) -O2 -g $(WARN) $(if $(DEV),-Werror) -o $@ $< $(sample_libs)
$(O)/samples/c/hashfiles: sample_libs := -lcrypto

# Each test program as $(O)/tests/corun/NAME, which tests/run runs; where it matters what the compiler
# does, also once a level, for tests/corun.sh.
corun_srcs := $(wildcard tests/corun/*.c)
corun_levels := O0 O1 O2 O3 Os Og native
corun_progs := $(corun_srcs:%.c=$(O)/%)
corun_variants := $(foreach l,$(corun_levels),$(patsubst %,$(O)/tests/corun/$l/%,abi growth libc torture))
runtime-check-progs := $(corun_progs) $(corun_variants)
corun_flags = $(if $(filter native,$1),-O3 -march=native,-$1)
corun_build = $(corun_cc) $1 -g $(WARN) -Wno-vla -D_GNU_SOURCE $(if $(DEV),-Werror) -iquote . -o $@ $< -lm

$(corun_progs): $(O)/tests/corun/%: tests/corun/%.c $(wildcard tests/corun/*.h) base/event.h $(runtime-files)
	@mkdir -p $(@D)
	$(call say,CORUN)$(call corun_build,-O2)
define corun_level
$(O)/tests/corun/$1/%: tests/corun/%.c $(wildcard tests/corun/*.h) base/event.h $(runtime-files)
	@mkdir -p $$(@D)
	$$(call say,CORUN)$$(call corun_build,$(call corun_flags,$1))
endef
$(foreach l,$(corun_levels),$(eval $(call corun_level,$l)))

tests: $(runtime-check-progs)
check: $(if $(TESTS),$(if $(filter corun%,$(TESTS)),$(runtime-check-progs)),$(runtime-check-progs))
