# make install and uninstall.  One list serves both: MODE:FROM:TO.  What ends in .in carries the
# paths of the installation and is filled in on the way, so that the build stays as it is.  What make
# sanitizers makes is installed where it was made.

COMPLETIONDIR ?= $(DATADIR)/bash-completion/completions
DOCDIR ?= $(DATADIR)/doc/stacktrace

man_pages := $(wildcard man/*.[1-9])
installs = \
 755:$(O)/bin/stacktrace:$(BINDIR)/stacktrace \
 755:runtime/corun-cc.in:$(BINDIR)/corun-cc \
 755:runtime/corun-cc.in:$(BINDIR)/corun-c++ \
 644:$(O)/lib/libcorun.a:$(LIBDIR)/libcorun.a \
 644:$(O)/lib/corun/wrap:$(LIBDIR)/corun/wrap \
 644:$(O)/lib/corun/shared.o:$(LIBDIR)/corun/shared.o \
 644:runtime/corun-gdb.py:$(DATADIR)/corun/corun-gdb.py \
 $(foreach p,$(rt_policies),644:$(O)/lib/corun/policy-$p.o:$(LIBDIR)/corun/policy-$p.o) \
 $(foreach s,$(sanitizers),$(if $(wildcard $(O)/lib/corun/$s/libcorun.a),\
  $(foreach f,libcorun.a wrap,644:$(O)/lib/corun/$s/$f:$(LIBDIR)/corun/$s/$f))) \
 644:runtime/corun.pc.in:$(LIBDIR)/pkgconfig/corun.pc \
 644:$(O)/include/corun.h:$(INCLUDEDIR)/corun.h \
 $(foreach p,$(man_pages),644:$p:$(MANDIR)/man$(patsubst .%,%,$(suffix $p))/$(notdir $p)) \
 644:completion/stacktrace.bash:$(COMPLETIONDIR)/stacktrace \
 $(foreach d,README.md NEWS LICENSE,644:$d:$(DOCDIR)/$d)

part = $(word $1,$(subst :, ,$2))
define install_one
	@$(if $(filter %.in,$(call part,2,$1)),$(rt_fill) $(call part,2,$1) | )install -D -m $(call part,1,$1) \
	 $(if $(filter %.in,$(call part,2,$1)),/dev/stdin,$(call part,2,$1)) '$(DESTDIR)$(call part,3,$1)'

endef

## install: installs below PREFIX, or below DESTDIR and PREFIX
install: all
	$(foreach i,$(installs),$(call install_one,$i))
	$(if $(quiet),,@printf '  %-7s %s\n' INSTALL '$(words $(installs)) files below $(DESTDIR)$(PREFIX)')

## uninstall: removes what install with the same PREFIX and DESTDIR put there
uninstall:
	@rm -f $(foreach i,$(installs),'$(DESTDIR)$(call part,3,$i)')
	@for d in $(sanitizers:%='$(LIBDIR)/corun/%') '$(LIBDIR)/corun' '$(DATADIR)/corun' '$(DOCDIR)'; do \
	 if test -d '$(DESTDIR)'"$$d"; then rmdir --ignore-fail-on-non-empty '$(DESTDIR)'"$$d"; fi; done
.PHONY: install uninstall
