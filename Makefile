# betimes: `make help` lists the targets.
GO       ?= go
BIN      := bin/betimes
DATA     ?=
CAMPAIGN := kills backlog sustain start fuzz brokers drains storm failover hostile memory slowkey skew overload climit failpoints faults emulator emulator-kills mlflow

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/betimes, one static binary; needs only Go
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/betimes

.PHONY: up
up: build ## run examples/v1-simplified.yaml on this machine; needs only Go
	./$(BIN) up examples/v1-simplified.yaml

.PHONY: demo
demo: build ## V1 with load of its own; a stage is made slow, watch it being named
	./$(BIN) demo --temporary

.PHONY: test
test: deps ## every test, with the race detector and with real clients and browsers
	$(GO) vet -tags interop ./...
	$(GO) test -race -timeout 25m -tags interop ./...

.PHONY: test-quick
test-quick: ## the tests that need only Go; under a minute
	$(GO) test ./...

.PHONY: deps
deps: ## install what `make test` needs by package name (Debian; root, or already there)
	@scripts/deps

.PHONY: campaign
campaign: ## the long counts: make campaign NAME=kills SEED=1 (names: kills backlog sustain start fuzz drains storm failover hostile memory slowkey skew overload climit brokers failpoints faults emulator emulator-kills mlflow)
	@test -n "$(NAME)" || { echo "say which: make campaign NAME=one of $(CAMPAIGN)"; exit 2; }
	@scripts/campaign $(NAME)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (60s)
	@scripts/campaign fuzz

.PHONY: bench
bench: build ## speed against the floor and the Java peers, same run: make bench SCENARIO=all BROKER=embedded,real
	$(GO) run -tags interop ./bench -scenario $(or $(SCENARIO),p1) -broker $(or $(BROKER),embedded) -sut ./$(BIN)

.PHONY: pictures
pictures: ## draw docs/pictures anew from bench/data
	$(GO) run ./bench/pictures

.PHONY: docs
docs: ## write the generated pages anew
	$(GO) test ./internal/house ./internal/config ./internal/app -update

.PHONY: lint
lint: ## staticcheck, and govulncheck where its database answers
	@scripts/lint
