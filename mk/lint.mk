## lint: checks the sources: format, include directions, headers alone, pages, scripts, sizes
lint:
	@TOP='$(CURDIR)' CC='$(CC)' CLANG='$(CLANG)' PKG_CONFIG='$(PKG_CONFIG)' sh tests/lint.sh

## format: formats the C sources with clang-format
format:
	clang-format -i $$(find . \( -name .git -o -path './build*' \) -prune -o -type f -name '*.[ch]' -print)
.PHONY: lint format
