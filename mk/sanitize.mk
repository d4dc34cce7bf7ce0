# sanitize.mk: the runtime as programs need it that are compiled with -fsanitize (runtime/sanitize.h).
#
# Not a part of `all`: each is the whole runtime once more.  By gcc, as the programs are: a program has one
# compiler's sanitizer.

sanitizers := address thread
san_flags_address := -fsanitize=address,undefined -fno-sanitize-recover=all --param asan-stack=0
# Functions that run on g0 do not return, and would stay on its call stack for ever.
san_flags_thread := -fsanitize=thread --param tsan-instrument-func-entry-exit=0
# They read what they find, also what a sanitizer put between the variables; or run between two contexts.
san_unchecked_address := escape fatal fault gcroots mark newstack relocate sanitize segment stackcheck unwind
san_unchecked_thread := sanitize
# Not by what the compiler defines, which it does not for these: all must agree on a descriptor.
san_define = -DSANITIZED -DSANITIZED_$1
san_on_g := malloc free calloc realloc reallocarray aligned_alloc posix_memalign memalign valloc pvalloc

## sanitizers: the runtime for programs that are compiled with -fsanitize=address or thread
san_libs := $(sanitizers:%=$(O)/lib/corun/%/libcorun.a)
sanitizers: all $(san_libs)
.PHONY: sanitizers

define san_rules
$(O)/runtime/$1/%.o: runtime/%.c $(O)/.flags-runtime mk/runtime.mk mk/sanitize.mk
	@mkdir -p $$(@D)
	$$(call say,CC)$(CORUN_CC) $$(rt_cppflags) $(san_define) $$(rt_cflags) $$(rt_split) $$(san_flags_$1) $$(san_extra) -MMD -MP -c $$< -o $$@
$(O)/runtime/$1/%.o: runtime/%.S $(O)/.flags-runtime mk/runtime.mk mk/sanitize.mk
	@mkdir -p $$(@D)
	$$(call say,AS)$(CORUN_CC) $$(rt_cppflags) $(san_define) $$(rt_cflags) $$(san_flags_$1) -MMD -MP -c $$< -o $$@
$(san_unchecked_$1:%=$(O)/runtime/$1/%.o): san_extra := -fno-sanitize=$1
$(rt_checked:%=$(O)/runtime/$1/%.o): rt_split := $(rt_split_flags)
$(O)/runtime/$1/corun.o: $(rt_core:%=$(O)/runtime/$1/%.o)
	$$(rt_join)
# Where memory was allocated and freed is found by frame pointers, which must not lead to another stack.
$(O)/lib/corun/$1/wrap: $(O)/lib/corun/wrap mk/sanitize.mk
	@mkdir -p $$(@D)
	$$(call say,GEN)grep -v $(san_on_g:%=-e '=%$$$$') $$< > $$@
$(O)/lib/corun/$1/libcorun.a: $(O)/lib/corun/$1/wrap $(O)/runtime/$1/corun.o $(rt_alone:%=$(O)/runtime/$1/%.o) $(O)/lib/corun/wrap
	@mkdir -p $$(@D); rm -f $$@
	$$(rt_archive)
endef
$(foreach s,$(sanitizers),$(eval $(call san_rules,$s)))

# For tests/corun_sanitize.sh, which says what is not there.
san_tests := chan deadlines gc given_up parallel preempt select tick torture waits_stress
san_progs := $(if $(filter check tests,$(MAKECMDGOALS)),$(foreach s,$(sanitizers),$(if $(call has_by,$(CORUN_CC),-fsanitize=$s),\
 $(san_tests:%=$(O)/tests/corun/$s/%))))
san_program_flags_address := -fsanitize=address,undefined -fno-sanitize-recover=all
san_program_flags_thread := -fsanitize=thread
define san_test_rules
$(O)/tests/corun/$1/%: tests/corun/%.c $(wildcard tests/corun/*.h) base/event.h $(runtime-files) $(O)/lib/corun/$1/libcorun.a
	@mkdir -p $$(@D)
	$$(call say,CORUN)$$(call corun_build,-O1 $$(san_program_flags_$1))
endef
$(foreach s,$(sanitizers),$(eval $(call san_test_rules,$s)))
tests: $(san_progs)
check: $(if $(TESTS),$(if $(filter corun%,$(TESTS)),$(san_progs)),$(san_progs))
