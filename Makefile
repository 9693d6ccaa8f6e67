.DEFAULT_GOAL := help
.PHONY: help run build generate fmt lint test services services-stop fuzz bench setup

export EXEUNT_CACHE ?= /tmp/exeunt-test-$(shell id -u)

# A clone that belongs to another user makes git refuse, and Go's build with it.
export GOFLAGS ?= -buildvcs=$(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

LINT := $(EXEUNT_CACHE)/bin/golangci-lint
TESTRUN := $(EXEUNT_CACHE)/bin/testrun

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: build ## build and serve a trial install on http://127.0.0.1:8080 (needs Go only)
	bin/exeunt serve --trial --listen 127.0.0.1:8080 --data ./data

build: ## build bin/exeunt
	go build -o bin/exeunt ./cmd/exeunt

generate: ## write *_templ.go anew
	go tool templ generate

fmt: setup ## format everything
	go tool templ fmt .
	$(LINT) fmt

lint: setup ## vet and lint
	go vet ./...
	cd examples/notes && go vet ./...
	$(LINT) run ./...

test: setup $(TESTRUN) ## set up what is missing, run everything, print how many tests each suite ran
	@$(TESTRUN)

services: setup $(TESTRUN) ## start PostgreSQL and an S3 server, print the variables by which single tests reach them
	@$(TESTRUN) services

services-stop: $(TESTRUN) ## stop them
	@$(TESTRUN) stop

fuzz: setup $(TESTRUN) ## run the fuzz targets alone (EXEUNT_FUZZTIME=20s each)
	@$(TESTRUN) fuzz

bench: setup $(TESTRUN) ## measure what docs/performance.md says and write it there (an hour and a half)
	@eval "$$($(TESTRUN) services)" && EXEUNT_BENCH=1 go run ./bench --write docs/performance.md

setup:
	@scripts/setup.sh

.PHONY: $(TESTRUN)
$(TESTRUN): | setup
	@go build -o $@ ./internal/testrun
