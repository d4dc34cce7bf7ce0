# make check: builds and runs the tests; TESTS='symbols unit/test_plan' chooses.
#
# tests/NAME.sh          script tests, run by tests/run (which says what a test gets and owes)
# tests/unit/test_X.c    one cmocka program each; a comment 'link: FLAGS' adds linker flags
# tests/tools/X.c        helpers in the PATH of script tests

unit_srcs := $(wildcard tests/unit/test_*.c)
unit_bins := $(unit_srcs:%.c=$(O)/%)
tool_srcs := $(wildcard tests/tools/*.c)
tool_bins := $(tool_srcs:%.c=$(O)/%)

# An archive, so that a unit test links with what it uses and can be built while other parts do not.
$(O)/libstacktrace.a: $(lib_objs) $(O)/.flags-link
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

link_flags = $(shell sed -n 's,.*link: \(-[^*]*\).*,\1,p' $(patsubst $(O)/%,%,$@).c)
$(unit_bins): $(O)/tests/unit/%: $(O)/tests/unit/%.o $(O)/libstacktrace.a $(O)/.flags-link
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) $(link_flags) -o $@ $(filter %.o %.a,$^) -lcmocka $(PKG_LIBS) $(LDLIBS)
$(tool_bins): $(O)/tests/tools/%: $(O)/tests/tools/%.o $(O)/libstacktrace.a $(O)/.flags-link
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) $(link_flags) -o $@ $(filter %.o %.a,$^) $(PKG_LIBS) $(LDLIBS)

# Unit tests alone need nothing but themselves; as soon as a script is asked for, everything is built.
TESTS ?=
check_all := $(if $(TESTS),$(filter-out unit/%,$(TESTS)),all)
check_needs := $(if $(check_all),all samples $(unit_bins) $(tool_bins),$(filter $(patsubst %,$(O)/tests/%,$(subst *,%,$(TESTS))),$(unit_bins)))

## tests: builds the tests without running them
## samples: builds the sample programs
tests: all samples $(unit_bins) $(tool_bins)
samples: all
## check: builds and runs all tests
## TESTS=NAMES the tests that check runs, as in 'help unit/*'
## JOBS=2 how many tests run at a time
check: $(check_needs)
	@O='$(abspath $(O))' CC='$(CC)' CLANG='$(CLANG)' SAN='$(SAN)' $(if $(JOBS),JOBS='$(JOBS)') tests/run $(foreach t,$(TESTS),'$t')
.PHONY: tests samples check

## check-chroot: proves the README's two commands in a clean Debian (root, network, 10 minutes)
check-chroot:
	tests/check-chroot $(abspath $(O))/chroot
.PHONY: check-chroot
