SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 30s
LIVES ?= 100000
LINTER := go tool -modfile=tools/go.mod golangci-lint

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build a static ./bin/notifier that knows its version
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/notifier ./cmd/notifier

.PHONY: run
run: ## Run the daemon with the settings of the environment
	go run ./cmd/notifier run

.PHONY: demo
demo: ## Run the whole product against a simulated platform
	go run ./cmd/notifier demo

.PHONY: test
test: ## Run all tests
	go test ./...

.PHONY: race
race: ## Run all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race ./...

.PHONY: lint
lint: ## Run the linter (its first build takes minutes)
	$(LINTER) run ./...

.PHONY: fmt
fmt: ## Format the code and sort its imports
	$(LINTER) fmt

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@for pkg in $$(go list ./...); do \
		list=$$(go test -list '^Fuzz' $$pkg); \
		for target in $$(grep '^Fuzz' <<<"$$list" || true); do \
			echo "=== $$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

.PHONY: damage
damage: ## Flip a bit in every byte of a state, cut it at every length, and see that it is found (minutes)
	go test ./internal/store -run 'TestFault2[38]Any' -every-byte -timeout 40m -v

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: day
day: ## Watch a day of 10,000 calls: bytes and latency of two ways to poll (4 min)
	go test ./internal/ingest -run 'TestDay$$' -day.calls 10000 -timeout 30m -v

.PHONY: soak
soak: ## Let the platform be ill for ten minutes, in all ways at random
	go test ./internal/app -run 'TestSoak$$' -soak 10m -timeout 40m -v

TORTURE_KILLS ?= 1000
TORTURE_CUTS ?= 200
LEAK ?= 30m
TORTURE := go test ./internal/torture -v -timeout 3h

.PHONY: lives
lives: ## Run 100,000 simulated lives (LIVES), each from a seed (half an hour)
	GOGC=1000 go test ./internal/dst -run 'TestLives$$' -seeds $(LIVES) -timeout 5h -v

.PHONY: torture
torture: ## Kill the daemon 1,000 times (TORTURE_KILLS), and judge its events (15 min)
	$(TORTURE) -parallel 4 -run 'TestTorture$$' -torture.kills $(TORTURE_KILLS)

.PHONY: powercut
powercut: ## Cut the power 200 times (TORTURE_CUTS), as root on Linux (10 min)
	$(TORTURE) -run 'TestFault21|TestFault29' -torture.cuts $(TORTURE_CUTS)

.PHONY: torture-selfcheck
torture-selfcheck: ## See that daemons which lose events on purpose do not get through
	$(TORTURE) -run 'TestTheJudge' -torture.selfcheck

.PHONY: leak
leak: ## Watch the daemon's goroutines, files and memory for 30 minutes (LEAK)
	$(TORTURE) -run 'TestFault60' -leak $(LEAK)

.PHONY: cover
cover: ## Measure the coverage of all tests; writes coverage.out and coverage.html
	go test -coverpkg=./... -coverprofile=coverage.out ./...
	go tool cover -html=coverage.out -o coverage.html
	go tool cover -func=coverage.out | tail -n 1

.PHONY: ci
ci: ## Run every check, as a fresh clone is checked
	bash .ci/run

.PHONY: clean
clean: ## Remove what the other targets made; the state in ./data stays
	rm -rf bin coverage.out coverage.html
