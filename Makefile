# stacktrace: build, test, install.  `make help` lists the targets and variables.

## O=DIR build in DIR instead of build
## V=1 show the commands
## SAN=LIST build with sanitizers, as in address,undefined
## DEV=1 warnings are errors
## CC=gcc CLANG=, BPFTOOL=, PKG_CONFIG=, CFLAGS=, CPPFLAGS=, LDFLAGS=, LDLIBS= as usual
## PREFIX=/usr/local where to install; also BINDIR=, LIBDIR=, INCLUDEDIR=, MANDIR=, DATADIR=
## DESTDIR= put in front of every installed path, for packages
VERSION := 0.1.0
O ?= build
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
# Some distributions install a bpftool that only forwards to one made for the running kernel.
BPFTOOL ?= $(or $(shell PATH="$$PATH:/usr/sbin:/sbin"; for b in bpftool /usr/lib/linux-tools*/bpftool \
 /usr/lib/linux-tools/*/bpftool; do "$$b" version >/dev/null 2>&1 && command -v "$$b" && break; done),bpftool)
BPFTOOL := $(BPFTOOL)
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

# Records with a flexible array are embedded in buffers on purpose; only clang minds.
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings \
 -Wno-gnu-variable-sized-type-not-at-end
PKGS := libbpf libelf libdw capstone libzstd zlib jansson smartcols

override CPPFLAGS += -D_GNU_SOURCE -DST_VERSION='"$(VERSION)"' -iquote . -iquote $(O)
override CFLAGS += -std=gnu11 $(WARN) $(if $(DEV),-Werror) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
override LDFLAGS += $(if $(SAN),-fsanitize=$(SAN))
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lm
no_pkgs := $(if $(filter-out -lm,$(PKG_LIBS)),,$(shell for p in $(PKGS); do $(PKG_CONFIG) --exists $$p 2>/dev/null || echo $$p; done))

quiet := $(or $(filter 1,$(V)),$(findstring s,$(firstword -$(MAKEFLAGS))))
say = $(if $(quiet),,@printf '  %-7s %s\n' $(1) $(patsubst $(O)/%,%,$@);)

## all: the program, the runtime and the compiler wrapper (the default)
all: $(O)/bin/stacktrace
.PHONY: all FORCE
FORCE:

# --- the program -------------------------------------------------------------------------------

bpf_srcs := $(wildcard bpf/*.bpf.c)
bpf_objs := $(bpf_srcs:%.c=$(O)/%.o)
skels := $(bpf_srcs:%.bpf.c=$(O)/%.skel.h)
lib_srcs := $(wildcard base/*.c symbols/*.c formats/*.c) $(filter-out $(bpf_srcs),$(wildcard bpf/*.c))
lib_objs := $(lib_srcs:%.c=$(O)/%.o) $(O)/formats/web.o
cli_srcs := $(wildcard cli/*.c)
cli_objs := $(cli_srcs:%.c=$(O)/%.o)
main_obj := $(O)/cli/main.o

# One stamp for each set of flags.  It is remade, and what hangs on it with it, only when the text in
# it is another: $(O)/.flags-X: $(call changed,-X,TEXT), with $(call stamp,TEXT) as its recipe.
same = $(and $(findstring <$1>,<$2>),$(findstring <$2>,<$1>))
changed = $(if $(call same,$(if $(wildcard $(O)/.flags$1),$(file <$(O)/.flags$1)),$(strip $2)),,FORCE)
stamp = @mkdir -p $(@D); echo '$(subst ','\'',$(strip $1))' > $@

compile_text := $(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS)
$(O)/.flags: $(call changed,,$(compile_text))
	$(if $(no_pkgs),@echo "stacktrace: missing libraries:" $(no_pkgs)"; run 'sudo ./bootstrap deps'" >&2; exit 1)
	$(call stamp,$(compile_text))
# The objects are in it, so that removing a source links again.
link_text := $(CC) $(CFLAGS) $(LDFLAGS) $(cli_objs) $(lib_objs) $(PKG_LIBS) $(LDLIBS)
$(O)/.flags-link: $(call changed,-link,$(link_text))
	$(call stamp,$(link_text))

$(O)/bin/stacktrace: $(cli_objs) $(lib_objs) $(O)/.flags-link
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(PKG_LIBS) $(LDLIBS)

$(O)/%.o: %.c $(O)/.flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# Which objects really use a skeleton is known from the .d files once they were built.
$(filter $(O)/bpf/%,$(lib_objs)): | $(skels)

# pt_regs and types come from the system's headers: no vmlinux.h, no BTF of the running kernel.
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPFFLAGS := -target bpf -mcpu=v3 -g -O2 -std=gnu11 -Wall $(if $(DEV),-Werror) -D__TARGET_ARCH_x86 -D__x86_64__ \
 $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH))
$(O)/.flags-bpf: $(call changed,-bpf,$(CLANG) $(BPFFLAGS))
	$(call stamp,$(CLANG) $(BPFFLAGS))
$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/.flags-bpf
	@mkdir -p $(@D)
	$(call say,BPF)$(CLANG) $(BPFFLAGS) -iquote . -MMD -MP -c $< -o $@
$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(call say,SKEL)$(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf > $@

# --- the rest, one file a topic ----------------------------------------------------------------

include $(sort $(wildcard mk/*.mk))

# Toolchains were fetched, not built: only distclean drops them.
## clean: removes what was built
## distclean: removes the build directory
clean:
	@if test -d $(O); then find $(O) -mindepth 1 -maxdepth 1 ! -name toolchains -exec rm -rf {} +; fi
distclean:
	rm -rf $(O)
.PHONY: clean distclean

.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell test -d $(O) && find $(O) \( -name toolchains -o -name gocache -o -name chroot \) -prune -o -name '*.d' -print)
