# stacktrace: build, test, install.  `make help` lists the targets and variables.
#
# O=DIR builds elsewhere, V=1 shows commands, SAN=address,undefined builds with sanitizers,
# DEV=1 turns warnings into errors.

VERSION := 0.1.0
O ?= build
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(or $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool),bpftool)
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings
PKGS := libbpf libelf libdw capstone libzstd zlib jansson smartcols

override CPPFLAGS += -D_GNU_SOURCE -DST_VERSION='"$(VERSION)"' -iquote . -iquote $(O)
override CFLAGS += -std=gnu11 $(WARN) $(if $(DEV),-Werror) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
override LDFLAGS += $(if $(SAN),-fsanitize=$(SAN))
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)

quiet := $(or $(filter 1,$(V)),$(findstring s,$(firstword -$(MAKEFLAGS))))
say = $(if $(quiet),,@printf '  %-7s %s\n' $(1) $(patsubst $(O)/%,%,$@);)

all: $(O)/bin/stacktrace
.PHONY: all FORCE
FORCE:

# --- the program -------------------------------------------------------------------------------

bpf_srcs := $(wildcard bpf/*.bpf.c)
bpf_objs := $(bpf_srcs:%.c=$(O)/%.o)
skels := $(bpf_srcs:%.bpf.c=$(O)/%.skel.h)
lib_srcs := $(wildcard base/*.c symbols/*.c formats/*.c) $(filter-out $(bpf_srcs),$(wildcard bpf/*.c))
lib_objs := $(lib_srcs:%.c=$(O)/%.o)
cli_srcs := $(wildcard cli/*.c)
cli_objs := $(cli_srcs:%.c=$(O)/%.o)
main_obj := $(O)/cli/main.o

$(O)/bin/stacktrace: $(cli_objs) $(lib_objs)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

$(O)/%.o: %.c $(O)/.flags | $(skels)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(O)/.flags: FORCE
	@mkdir -p $(@D); echo '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS))' | cmp -s - $@ || \
	 echo '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS))' > $@

# pt_regs and types come from the system's headers: no vmlinux.h, no BTF of the running kernel.
MULTIARCH := $(shell $(CC) -print-multiarch)
BPFFLAGS := -target bpf -g -O2 -std=gnu11 -Wall -D__TARGET_ARCH_x86 -D__x86_64__ \
 $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH))
$(O)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF)$(CLANG) $(BPFFLAGS) -iquote . -MMD -MP -c $< -o $@
$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(call say,SKEL)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# --- the rest, one file a topic ----------------------------------------------------------------

include $(sort $(wildcard mk/*.mk))

clean:
	rm -rf $(O)
.PHONY: clean

.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell test -d $(O) && find $(O) -name '*.d')
