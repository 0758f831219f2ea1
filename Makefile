# `make demo` and `make test` need a Rust toolchain and a C compiler, and do the rest of the set-up themselves.

.PHONY: setup build demo test soak lint audit sbom fuzz clean

CARGO = . ./target/env && cargo

setup:
	@.ci/setup

build: setup
	$(CARGO) build --release

# The whole story on a throwaway server: plan, approve, apply, roll back.
demo: build
	target/release/trueup demo

test:
	@.ci/setup test
	$(CARGO) test --release

# Everything: also what takes long, on every supported version of PostgreSQL.
soak:
	@.ci/setup test
	TRUEUP_TEST_SOAK=1; export TRUEUP_TEST_SOAK; $(CARGO) test --release

lint: setup
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets -- -D warnings
	$(CARGO) doc --no-deps --release --lib

lint: export RUSTDOCFLAGS = -Dwarnings

# Known vulnerabilities, licences and sources of what is depended on.
audit: setup
	@command -v cargo-deny >/dev/null || { $(CARGO) install cargo-deny --locked --version 0.20.2; }
	@command -v cargo-audit >/dev/null || { $(CARGO) install cargo-audit --locked --version 0.22.2; }
	$(CARGO) deny check
	$(CARGO) audit

# What is in the program, as CycloneDX: target/trueup.cdx.json.
sbom: setup
	@command -v cargo-cyclonedx >/dev/null || { $(CARGO) install cargo-cyclonedx --locked --version 0.5.9; }
	$(CARGO) cyclonedx --format json --spec-version 1.5 --override-filename trueup.cdx
	mv trueup.cdx.json target/trueup.cdx.json

# Readers of texts that others wrote, for a while each; with a nightly toolchain. What fails is in fuzz/artifacts.
SECONDS_EACH = 120
fuzz: setup
	@command -v cargo-fuzz >/dev/null || { $(CARGO) install cargo-fuzz --locked --version 0.13.2; }
	. ./target/env && for target in $$(cargo +nightly fuzz list); do \
	    cargo +nightly fuzz run $$target -- -max_total_time=$(SECONDS_EACH) -timeout=20 -rss_limit_mb=2048 || exit 1; done

clean:
	cargo clean
