# What this repository can do by itself: "make help". Needs Go; the rest is
# installed by scripts/prepare.sh where the caller is root on Debian.

GO          ?= go
BIN         := bin/dmoctl
CACHE       := .cache
# The tests of full disks mount a small one; others than root do so in a namespace of their own.
NS          := $(shell [ "$$(id -u)" = 0 ] || echo unshare --user --map-current-user --keep-caps --mount)
LINT        := v2.15.0
LINTER      := $(CACHE)/tools/golangci-lint-$(LINT)
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME    ?= 20s
TABLES      ?= 10000,100000
PKGS        ?= ./...
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help build demo test race fuzz bench bench-tables crash million histories nightly evidence lint docs check

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/dmoctl, static, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o $(BIN) ./cmd/dmoctl

demo: build ## SQLite to SQLite with a million rows, in pipe and file mode; needs only Go
	examples/demo/run.sh $(BIN)

test: ## everything that has to hold: unit, property, conformance, script and crash tests
	scripts/prepare.sh
	test -z "$$(gofmt -l $$(git ls-files '*.go'))"
	$(GO) vet ./...
	mkdir -p $(CACHE)
	DMO_TEST_REQUIRE=all $(NS) $(GO) test -json -timeout 45m $(PKGS) > $(CACHE)/test.json || \
		{ $(GO) run ./internal/testbed/evidence -failures $(CACHE)/test.json; exit 1; }
	$(GO) run ./internal/testbed/evidence -summary $(CACHE)/test.json

race: ## the same packages under the race detector
	scripts/prepare.sh
	DMO_TEST_REQUIRE=all DMO_HISTORIES=$${DMO_HISTORIES:-1000} $(NS) $(GO) test -race -timeout 60m ./...

fuzz: ## every fuzz target for FUZZTIME each
	scripts/fuzz.sh $(FUZZTIME)

crash: ## 100 stops and kills of a run over PostgreSQL, compared by psql
	scripts/prepare.sh
	DMO_TEST_REQUIRE=all DMO_CRASH_RUNS=100 $(NS) $(GO) test -count=1 -timeout 60m -run "TestKills|TestBuildWithoutClaim" -v ./internal/testbed/e2e

million: ## a million rows on each way between Oracle, PostgreSQL and SAP HANA
	scripts/prepare.sh
	DMO_TEST_REQUIRE=all DMO_SAP_ROWS=1000000 $(NS) $(GO) test -count=1 -timeout 60m -run "TestOracleTo|TestPostgresToHANA" -v ./internal/testbed/e2e

histories: ## DMO_HISTORIES random histories, a million by default, a process for each CPU
	mkdir -p $(CACHE)
	$(GO) test -c -o $(CACHE)/histories.test ./internal/testbed/histories
	n=$$(nproc); pids=; for i in $$(seq $$n); do \
		seed=0; [ $$i = 1 ] || seed=$$RANDOM$$RANDOM; (cd internal/testbed/histories && DMO_HISTORIES=$$(($${DMO_HISTORIES:-1000000} / n)) $(CURDIR)/$(CACHE)/histories.test -test.timeout 0 -test.v -test.run '^TestHistories$$' -rapid.seed $$seed) & pids+=" $$!"; \
	done; for p in $$pids; do wait $$p; done

bench: build ## the figures of docs/benchmarks.md
	bench/run.sh $(BIN)

bench-tables: build ## plan, apply and verify of TABLES tables; an hour and 12 GB at 100,000
	BENCH_ONLY=many BENCH_TABLES=$(TABLES) bench/run.sh $(BIN)

nightly: race fuzz crash million histories ## what takes longer than a coffee

evidence: ## each promise of the design beside its test and that test's last result
	@test -s $(CACHE)/test.json || { echo 'run "make test" first: its results are listed here' >&2; exit 1; }
	@$(GO) run ./internal/testbed/evidence $(CACHE)/test.json

lint: $(LINTER) ## golangci-lint, pinned
	$(LINTER) run ./...

$(LINTER):
	mkdir -p $(CACHE)/tools
	GOBIN=$(CURDIR)/$(CACHE)/tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)
	mv $(CACHE)/tools/golangci-lint $@

docs: ## docs/spec.md, generated from the schemas
	mkdir -p $(CACHE)
	$(GO) run ./cmd/dmoctl providers --markdown > $(CACHE)/spec.md
	mv $(CACHE)/spec.md docs/spec.md

check: lint ## lint and the rules of the house
	$(GO) vet ./...
	$(GO) test ./internal/arch
