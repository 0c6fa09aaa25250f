# What is given away: static binaries and Debian packages. Included by the Makefile.

DIST   ?= dist
ARCHES := amd64 arm64
# The newest versions need modules that the public proxy does not have.
NFPM   := go run github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

# A Debian version begins with a digit; what has no tag is older than what will have one.
DEB_VERSION := $(shell echo '$(VERSION)' | sed -E 's/^v([0-9])/\1/; t; s/^/0~/')
# The same source gives the same package.
DEB_TIME    := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.PHONY: dist deb test-deploy test-install

dist: toolchain web ## static binaries for each processor, in dist/
	$(call say,static binaries)
	@rm -rf "$(DIST)"; mkdir -p "$(DIST)"
	@for a in $(ARCHES); do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$a go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o "$(DIST)/neochat-$(VERSION)-linux-$$a" ./cmd/neochat; done
	@cd "$(DIST)" && sha256sum neochat-* >SHA256SUMS && cat SHA256SUMS

deb: dist ## Debian packages too
	$(call say,Debian packages)
	@"$(DIST)/neochat-$(VERSION)-linux-$$(go env GOARCH)" config describe >"$(DIST)/neochat.toml"
	@for a in $(ARCHES); do \
	  DEB_ARCH=$$a DEB_VERSION='$(DEB_VERSION)' SOURCE_DATE_EPOCH='$(DEB_TIME)' DEB_BINARY="$(DIST)/neochat-$(VERSION)-linux-$$a" DEB_SAMPLE="$(DIST)/neochat.toml" \
	  $(NFPM) package --config deploy/debian/nfpm.yaml --packager deb --target "$(DIST)/neochat_$(DEB_VERSION)_$$a.deb"; done
	@rm "$(DIST)/neochat.toml"
	@cd "$(DIST)" && sha256sum neochat-* *.deb >SHA256SUMS

test-deploy: deb
	$(call say,what is given away)
	NEOCHAT_DIST="$(abspath $(DIST))" go test -count=1 ./deploy

test-install: deb $(E2E)/node_modules/.installed ## a bare Debian: package, setup, service, two accounts, a call; needs root
	$(call say,from a bare Debian to the first call)
	NEOCHAT_DIST="$(abspath $(DIST))" deploy/install-test.sh
