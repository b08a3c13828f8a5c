# Verbs of the project. Those that people need are in the README.

GO ?= go

# On a machine that is slow, or busy with something else, a package may take long.
PATIENT = -timeout 40m

# All lanes but the race detector's compile without cgo, which the project
# doesn't use: what one of them compiled the next one finds. test-lint vets for all.
export CGO_ENABLED = 0
TEST = $(GO) test $(PATIENT) -vet=off

.PHONY: all build test test-linux test-race test-hooks test-lint test-systems test-windows torture explore explore-full bench fuzz peers bench-check bench-ratios clean

all: build

# shmbench, for this system
build:
	$(GO) build -o bin/shmbench ./cmd/shmbench

# everything: what CI runs
test: test-lint test-linux test-hooks test-race test-windows

# the rules of the project: imports, unsafe, gofmt, vet for all systems, staticcheck
test-lint:
	$(GO) test $(PATIENT) -count=1 ./internal/lint

# the systems for which test-lint only checks types compiled in full
test-systems:
	for system in linux/arm64 linux/386 darwin/arm64 freebsd/amd64; do \
		GOOS=$${system%/*} GOARCH=$${system#*/} $(GO) build ./... && \
		GOOS=$${system%/*} GOARCH=$${system#*/} $(GO) vet ./... || exit; \
	done

test-linux:
	$(TEST) $$($(GO) list ./... | grep -v /internal/lint$$)

# with every shared word hooked: killed at each step, changed under the reader.
# What hooks add nothing to plays fewer rounds
test-hooks:
	$(TEST) -tags shmtest ./internal/mem ./internal/explore ./ring ./sync

# the rings over heap memory, where the race detector sees them: in short, since
# test-linux plays all rounds
test-race:
	scripts/install-cc
	CGO_ENABLED=1 $(TEST) -race -short ./internal/mem ./internal/sigbus ./ring ./shm ./sync ./fallback .

# the Windows build under Wine, which is installed if it is missing
test-windows:
	scripts/test-windows $$($(GO) list ./... | grep -v /internal/lint$$) $(PATIENT) -vet=off

# a minute of eight processes sending and receiving, one of them killed every
# few milliseconds
torture:
	RINGWAY_TORTURE=60s $(GO) test -count=1 -v -timeout 10m -run 'KilledAtRandom' .

# all interleavings of small cases of the shipping rings, with every death that
# can happen in between; then the known ways to break them, each of which must
# be found
explore:
	$(GO) test -tags shmtest -count=1 -v -timeout 60m ./internal/explore -explore.mutations

# the large cases too, without the mutations; it prints how many states each has.
# A case with more than EXPLORE_LIMIT is left there and says so, so that this ends
# in minutes; 0 is no limit
EXPLORE_LIMIT ?= 1000000
explore-full:
	$(GO) test -tags shmtest -count=1 -timeout 0 -v ./internal/explore -run Full -explore.full -explore.limit $(EXPLORE_LIMIT)

# micro-benchmarks; shmbench measures between processes
bench:
	$(GO) test -run '^$$' -bench . ./ring

# how ringway stands against its limits and rivals, as ratios, compared with the
# table in bench/ratios.json; RATIOS=... takes another one. It takes ten minutes,
# on a machine that does nothing else
RATIOS ?= bench/ratios.json
bench-check: build
	bin/shmbench compare --json bin/bench-check.json
	bin/shmbench report bin/bench-check.json --check $(RATIOS)

# measures that table anew
bench-ratios: build
	bin/shmbench compare --json bin/bench-ratios.json
	bin/shmbench report bin/bench-ratios.json --store $(RATIOS)

# each fuzz target for a while
fuzz:
	scripts/fuzz 30s

# what the rivals that shmbench measures are built with, and the rivals; those that
# can't be had are named
peers:
	scripts/install-peers
	$(GO) run ./cmd/shmbench rivals

clean:
	rm -rf bin
