# `make demo` and `make test` need a Rust toolchain and a C compiler, and do the rest of the set-up themselves.

.PHONY: setup build demo test soak lint clean

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

clean:
	cargo clean
