# Two commands for a fresh Debian-like machine with Rust: `make run` and `make test`.
# Everything else is a shorter way to a part of them.

.PHONY: help run test check setup setup-test models deny bless

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: ## install what is missing, build, fetch models, start the demo server and talk to it (RUN_ONCE=1: then stop)
	@scripts/run.sh $(ARGS)

test: ## everything: Rust tests with the real models, browser tests
	@scripts/test.sh $(ARGS)

check: ## the quick loop: format, lints, tests that need no model
	@scripts/check.sh

setup: ## install what building and running need
	@scripts/setup.sh run

setup-test: ## install what the tests need besides
	@scripts/setup.sh test

models: ## fetch and verify the model files
	@scripts/models.sh

deny: ## licences and banned crates (needs cargo-deny: cargo install cargo-deny --locked)
	@cargo deny --locked check bans licenses sources

bless: ## rewrite the checked-in compiler messages of tests/ui
	@BLESS=1 cargo test --locked --test it ui::
