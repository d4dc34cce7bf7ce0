# The Go samples, built if there is a Go: $(O)/samples/go/NAME, without cgo.
## GO=go the go command for the samples; found by tests/find-go if not given
GO ?= $(shell tests/find-go any 2>/dev/null)
GO := $(GO)
go_names := $(notdir $(patsubst %/,%,$(dir $(wildcard samples/go/*/main.go))))
go_samples := $(if $(GO),$(go_names:%=$(O)/samples/go/%))

samples: $(go_samples)
$(O)/.flags-go: $(call changed,-go,$(GO))
	$(call stamp,$(GO))
$(O)/samples/go/%: samples/go/%/main.go $(O)/.flags-go
	@mkdir -p $(@D)
	$(call say,GO)HOME="$${HOME:-/}" GOCACHE=$(abspath $(O))/gocache GO111MODULE=off GOENV=off GOFLAGS= \
	 GOTOOLCHAIN=local CGO_ENABLED=0 $(GO) build -o $@ $<
