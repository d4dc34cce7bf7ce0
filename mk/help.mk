# make help: what is listed stands beside what it describes, in comments that start with '##':
# '## TARGET: text' and '## VARIABLE=VALUE text'.
help_files := Makefile $(sort $(wildcard mk/*.mk))

## help: this list
help:
	@echo 'Targets:'
	@sed -n 's/^## \([a-z-]*\): /  \1\t/p' $(help_files) | expand -t 22
	@echo 'Variables:'
	@sed -n 's/^## \([A-Z][A-Z0-9_]*=[^ ]*\) /  \1\t/p' $(help_files) | expand -t 22
.PHONY: help
