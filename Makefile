# make demo    show the main job on a real Debian container, then clean up
# make test    install what is needed, build, run every test
# make test-lxc6    the tests of containers with the liblxc of Debian 13
# make test-vm    what only a whole machine shows: AppArmor, cgroup v2, systemd, VLANs, quotas
# make test-all    all of these, real distributions, and the wrapper of liblxc under valgrind and AddressSanitizer
# make help    the rest
#
# On Debian 12 or 13, as root, with a Rust toolchain.

CARGO ?= cargo
TEMPLATE = target/templates/debian.tar.zst

# In tests a skip is a failure: everything they need is installed first. Say
# `make test PCT_E2E=` to skip what a machine cannot do.
PCT_E2E ?= require
# The tests of containers wait more than they work.
RUST_TEST_THREADS ?= 4
export PCT_E2E RUST_TEST_THREADS

# For each target; they run side by side.
FUZZ_SECONDS ?= 60

# Names of tests, of all guests when empty.
GUESTS ?=

.PHONY: help demo test test-lxc6 test-guests test-vm valgrind asan test-all bench bench-list bench-config bench-copy bench-abi bench-guest fuzz build release fmt lint doc crates header reference man deps-demo deps-test deps-deb deps-vm subids

help:
	@echo 'make demo     show the main job on a real Debian container, then clean up'
	@echo 'make test     install what is needed, build, run every test'
	@echo 'make test-lxc6    run the tests of containers with the liblxc of Debian 13'
	@echo 'make test-vm    boot Debian 12 and 13 in virtual machines; run there what only a whole machine shows'
	@echo 'make test-guests    boot real distributions, and look at them from inside'
	@echo 'make valgrind, make asan    the wrapper of liblxc where a leak or an invalid access is a failure'
	@echo 'make test-all    all of these tests'
	@echo 'make bench    time the main job against the tools of liblxc, and the list against cat'
	@echo 'make fuzz     damaged and strange configs for FUZZ_SECONDS, a minute when not set'
	@echo 'make build    build everything; make release: optimised'
	@echo 'make install  build and install; PREFIX=/usr/local, DESTDIR='
	@echo 'make deb      build packages for Debian; make test-deb: install them in Debian 12 and 13'
	@echo 'make fmt      format the code'
	@echo 'make lint     check format and lints as CI does'
	@echo 'make doc      build the documentation; a warning is an error'
	@echo 'make header   write include/pct.h anew; make reference: two pages of docs'
	@echo 'make man      write the manual pages in man/ anew'

demo: deps-demo subids release $(TEMPLATE)
	@sh tests/demo/main-job.sh target/release $(TEMPLATE)

# In the background of a script, or under nohup, these signals are ignored in all children too;
# the tests send them.
test: deps-test subids $(TEMPLATE)
	$(CARGO) build --workspace
	env --default-signal=HUP,INT,QUIT $(CARGO) test --workspace

test-lxc6: deps-test subids $(TEMPLATE)
	$(CARGO) build --workspace
	env --default-signal=HUP,INT,QUIT sh tests/tiers/lxc6.sh .

# SUITE=bookworm or trixie; TESTS='machine:: limits::' for a part of the e2e suite only; PARTS='units reboot' for some parts only.
test-vm: deps-vm subids $(TEMPLATE)
	$(CARGO) build --profile quick --workspace
	$(if $(TESTS),,sh packaging/deb.sh .)
	TESTS='$(TESTS)' PARTS='$(PARTS)' sh tests/vm/run.sh . $(SUITE)

test-guests: deps-test subids $(TEMPLATE)
	$(CARGO) build --workspace
	$(CARGO) test -p pct-tests --test guests -- $(GUESTS)

valgrind asan: deps-test subids
	env --default-signal=HUP,INT,QUIT sh tests/memory/run.sh $@ .

test-all: test test-lxc6 test-guests valgrind asan test-vm

bench: deps-test subids release
	$(CARGO) bench -p pct-tests --bench main_job --bench list

bench-list: release
	$(CARGO) bench -p pct-tests --bench list

bench-config: deps-demo
	$(CARGO) bench -p libpct --bench config

bench-copy: deps-test subids $(TEMPLATE) release
	PCT_BENCH_ROUNDS=$${PCT_BENCH_ROUNDS:-10} $(CARGO) bench -p pct-tests --bench copy --bench clone

bench-abi: release
	$(CARGO) bench -p pct-tests --bench abi

bench-guest: deps-test $(TEMPLATE)
	$(CARGO) bench -p pct-tests --bench guest

fuzz: deps-test
	@sh fuzz/run.sh $(FUZZ_SECONDS)

build:
	$(CARGO) build --workspace

release: deps-demo
	$(CARGO) build --release --workspace --exclude pct-tests

fmt:
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml

lint:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy -p pct-tests --test guests -- -D warnings

doc:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps

# As crates.io would get them, built from that alone.
crates:
	$(CARGO) package --locked -p pct-lxc-sys -p libpct -p pct-cli

header:
	PCT_UPDATE=1 $(CARGO) test -p pct-tests --test header

reference:
	PCT_UPDATE=1 $(CARGO) test -p pct-tests --test reference

# Written also where nothing is there to check it.
man reference: export PCT_E2E =

man:
	PCT_UPDATE=1 $(CARGO) test -p pct-cli --bin pct manual::
	PCT_UPDATE=1 $(CARGO) test -p pct-tests --test reference

deps-demo:
	@sh tests/demo/deps.sh demo

deps-test:
	@sh tests/demo/deps.sh test

deps-vm:
	@sh tests/demo/deps.sh vm

deps-deb:
	@sh tests/demo/deps.sh deb

subids: | deps-demo
	@sh tests/demo/subids.sh

$(TEMPLATE): tests/templates/debian.sh | deps-demo
	sh tests/templates/debian.sh $@

include packaging/install.mk
