# NeoChat. `make run` builds and serves, `make test` tests everything; `make help` lists the rest.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BIN     := bin/neochat
WEB     := clients/web
E2E     := $(WEB)/e2e
DATA    ?= data
LISTEN  ?= 127.0.0.1:8080
MEDIA_PORT ?= 8080

STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Debian packages that the tests need beyond git, make, Go and Node: the commands they bring, and their names.
TEST_COMMANDS := chromium firefox-esr pulseaudio strace gcc fc-list openssl ip /usr/sbin/nft /usr/sbin/mariadbd mariadb-install-db mariadb-dump turnutils_uclient systemd-analyze \
                 /usr/sbin/nginx caddy
TEST_PACKAGES := chromium firefox-esr pulseaudio strace gcc libc6-dev fontconfig fonts-dejavu-core fonts-noto-cjk python3 python3-websockets python3-aiortc \
                 openssl iproute2 nftables mariadb-server-core mariadb-client coturn systemd nginx-light caddy

say = @printf '\n==> %s\n' '$(1)'

include deploy/package.mk

.PHONY: help run build web test test-quick test-full test-minio test-go test-web test-e2e test-networks test-networks-few test-doctor test-packages test-gstreamer lint bench fuzz clean toolchain

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: build ## build and serve on http://localhost:8080 (DATA=, LISTEN=, MEDIA_PORT=)
	@exec $(BIN) serve --data "$(DATA)" --listen "$(LISTEN)" --media-port "$(MEDIA_PORT)"

build: toolchain web ## build bin/neochat with the web client in it
	$(call say,building the server (the first time takes a minute or two))
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/neochat

toolchain:
	@command -v go >/dev/null || { echo 'Go is missing: https://go.dev/doc/install (1.24 or newer)'; exit 1; }
	@command -v npm >/dev/null || { echo 'Node with npm is missing: https://nodejs.org (20.19 or newer)'; exit 1; }
	@node -e 'const [a,b]=process.versions.node.split(".").map(Number); if (a<20||a==20&&b<19) { console.error("Node "+process.versions.node+" is too old: 20.19 or newer is needed"); process.exit(1) }'

WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null) $(wildcard $(WEB)/*.html $(WEB)/*.ts $(WEB)/*.json)

web: $(WEB)/dist/index.html

$(WEB)/dist/index.html: $(WEB)/node_modules/.installed $(WEB_SOURCES)
	$(call say,building the web client)
	npm --prefix $(WEB) run build
	@touch $@

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json
	$(call say,installing what the web client is built with)
	npm --prefix $(WEB) ci --no-audit --no-fund
	@touch $@

$(E2E)/node_modules/.installed: $(E2E)/package-lock.json
	$(call say,installing what drives the browsers)
	npm --prefix $(E2E) ci --no-audit --no-fund
	@touch $@

test: test-packages lint test-go test-deploy test-web test-e2e test-networks-few ## every test, in real browsers too; installs what it needs
	$(call say,all tests passed)

test-packages: toolchain
	@for c in $(TEST_COMMANDS); do command -v $$c >/dev/null || missing=1; done; \
	fc-list 2>/dev/null | grep -qi 'noto.*cjk' || missing=1; \
	/usr/bin/python3 -c 'import aiortc, websockets' 2>/dev/null || missing=1; \
	if [ -n "$${missing:-}" ]; then \
	  printf '\n==> installing Debian packages for the tests: %s\n' "$(TEST_PACKAGES)"; \
	  as=; [ "$$(id -u)" = 0 ] || as=sudo; \
	  $$as apt-get update -qq; \
	  $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(TEST_PACKAGES) >/dev/null; \
	fi

test-go: build
	$(call say,Go tests with the race detector)
	CGO_ENABLED=1 go test -race -timeout 15m $$(go list ./... | grep -vE '/cmd/neochat/|neochat/deploy$$|neochat/files/picture$$')
	go test -timeout 15m ./files/picture
	$(call say,the same on MariaDB)
	NEOCHAT_TEST_DATABASE=mariadb go test -count=1 -timeout 15m ./store ./signaling
	$(call say,the contract from outside (race detector in the server))
	CGO_ENABLED=1 go build -race -o $(BIN)-race ./cmd/neochat
	NEOCHAT_BIN="$(CURDIR)/$(BIN)-race" go test -count=1 ./cmd/neochat/contract
	NEOCHAT_BIN="$(CURDIR)/$(BIN)" NEOCHAT_TEST_DATABASE=mariadb go test -count=1 ./cmd/neochat/contract
	$(call say,the process from outside)
	NEOCHAT_BIN="$(CURDIR)/$(BIN)" go test -count=1 ./cmd/neochat/process
	$(call say,what the doctor names of a few broken servers (needs root))
	NEOCHAT_BIN="$(CURDIR)/$(BIN)" go test -count=1 ./cmd/neochat/doctorcases

test-web: $(WEB)/node_modules/.installed
	$(call say,tests of the web client)
	npm --prefix $(WEB) test

test-e2e: build $(E2E)/node_modules/.installed
	$(call say,tests in Chromium and Firefox)
	npm --prefix $(E2E) run check
	npm --prefix $(E2E) run selftest
	NEOCHAT_BIN="$(CURDIR)/$(BIN)" npm --prefix $(E2E) test

test-networks-few: build $(E2E)/node_modules/.installed
	$(call say,calls across a few networks (needs root))
	NEOCHAT_BIN="$(CURDIR)/$(BIN)" npm --prefix $(E2E) run networks -- --smoke

test-networks: test-packages build $(E2E)/node_modules/.installed ## calls across all kinds of networks and firewalls; needs root (ROWS= some)
	$(call say,calls across all networks)
	NEOCHAT_BIN="$(CURDIR)/$(BIN)" npm --prefix $(E2E) run networks -- $(ROWS)

test-doctor: test-packages build ## what the doctor names of servers broken in twenty ways, as a table; needs root (CASES=1,2 some)
	$(call say,the doctor and broken servers)
	NEOCHAT_BIN="$(CURDIR)/$(BIN)" NEOCHAT_DOCTOR_CASES="$(or $(CASES),all)" go test -count=1 -v -run TestCases ./cmd/neochat/doctorcases

test-minio: build ## what uses an object store, on MinIO (which is built first, 5 to 10 minutes)
	$(call say,files and backups on MinIO)
	NEOCHAT_TEST_STORE=minio go test -count=1 -timeout 30m -run 'S3|Store' ./files ./backup
	NEOCHAT_TEST_STORE=minio NEOCHAT_BIN="$(CURDIR)/$(BIN)" go test -count=1 -timeout 30m -run 'S3|Store|FilesCopy' ./cmd/neochat/contract ./cmd/neochat/process

GSTREAMER_PACKAGES := gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice python3-gi gir1.2-gst-plugins-bad-1.0

test-gstreamer: test-packages build ## GStreamer publishing in calls and watching them; installs it
	@if ! /usr/bin/python3 -c 'import gi; gi.require_version("GstWebRTC", "1.0")' 2>/dev/null; then \
	  printf '\n==> installing Debian packages for GStreamer: %s\n' "$(GSTREAMER_PACKAGES)"; \
	  as=; [ "$$(id -u)" = 0 ] || as=sudo; \
	  $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(GSTREAMER_PACKAGES) >/dev/null; \
	fi
	NEOCHAT_TEST_GSTREAMER=1 NEOCHAT_BIN="$(CURDIR)/$(BIN)" go test -count=1 -v -run GStreamer ./cmd/neochat/contract

test-full: test test-minio test-networks test-doctor test-gstreamer ## all that and the long ones: MinIO, all networks, all broken servers, GStreamer

test-quick: ## the inner loop, under 90 s: no race detector, no browsers, no processes
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	go vet ./...
	go test -short ./...

lint: web ## gofmt, vet, staticcheck, govulncheck, tsc, eslint
	$(call say,lint)
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	@if curl -fsS --max-time 5 -o /dev/null https://vuln.go.dev/index/db.json 2>/dev/null; then echo '$(GOVULNCHECK) ./...'; $(GOVULNCHECK) ./...; \
	else echo 'govulncheck: its database does not answer from here, left out'; fi
	npm --prefix $(WEB) run lint

bench: web ## the figures, each beside its reference
	$(call say,wire)
	go test -run '^$$' -bench . -benchtime 1s ./wire
	$(call say,store)
	go test -run '^$$' -bench . -benchtime 3s ./store
	$(call say,port)
	go test -run '^$$' -bench . -benchtime 1s ./port/firstbytes
	go test -run '^$$' -bench . -benchtime 100000x ./port
	$(call say,pictures)
	go test -run '^$$' -bench . -benchtime 5x ./files/picture
	$(call say,files)
	go build -o $(BIN) ./cmd/neochat
	go run ./bench/files -binary $(BIN)
	$(call say,messages)
	go run ./bench/messages
	$(call say,media)
	go run ./bench/media -receivers 10,50,100,200 -rate 200 -rounds 2
	$(call say,relay)
	go run ./bench/turn
	$(call say,backup)
	go run ./bench/backup -binary $(BIN)
	$(call say,start)
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BIN)-bench ./cmd/neochat && go run ./bench/start -bin $(BIN)-bench

FUZZTIME ?= 30s
fuzz: ## every fuzz test for FUZZTIME (30s)
	@go list ./... | while read -r p; do \
	  for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "==> $$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p; done; done

clean: ## remove what was built
	rm -rf bin $(DIST) $(WEB)/node_modules $(E2E)/node_modules
	find $(WEB)/dist -mindepth 1 -not -name .gitkeep -delete
