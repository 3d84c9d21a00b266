#!/bin/sh
# Runs the tests of the wrapper of liblxc where a leak or an invalid access is a
# failure, with the liblxc of this machine and with that of Debian 13:
#
#     run.sh valgrind|asan <repository>
#
# valgrind looks at all of a process; AddressSanitizer, which needs a build of
# its own, also at monitors and at what is done inside of a container.
set -eu

tool=${1:?usage: run.sh valgrind|asan REPOSITORY}
repository=$(cd "${2:?usage: run.sh valgrind|asan REPOSITORY}" && pwd)
tiers="$repository/tests/tiers"
root="$repository/target/tiers/trixie"
cd "$repository/tests"

# Tests say by it whether a leak has to be found.
export PCT_MEMORY=1
if [ "$tool" = asan ]; then
	# The flag is one of nightly compilers; those of releases have it, too.
	export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address
	set -- --target "$(rustc -vV | sed -n 's/^host: //p')" --target-dir "$repository/target/asan"
	watch=
	# What liblxc loses there (liblxc.supp) has no names here.
	skip="--skip version::tests"
else
	export PCT_WATCHER="$repository/tests/memory/valgrind.sh"
	set --
	watch=$PCT_WATCHER
	# It does not know pidfd_send_signal.
	skip="--skip attach::child"
fi
cargo test --quiet --no-run -p libpct --lib "$@"
cargo test --quiet --no-run -p pct-tests --test lxc "$@"
units=$(sh "$tiers/built.sh" pct -p libpct --lib "$@")
suite=$(sh "$tiers/built.sh" lxc -p pct-tests --test lxc "$@")

printf '\n--- %s, the liblxc of this machine\n' "$tool"
# shellcheck disable=SC2086 # none, or words
$watch "$units" lxc:: $skip
"$suite"

sh "$tiers/root.sh" trixie "$root"
export PCT_E2E="${PCT_E2E-} criu"
printf '\n--- %s, liblxc 6\n' "$tool"
# shellcheck disable=SC2086
sh "$tiers/enter.sh" "$root" "$repository" $watch "$units" lxc:: $skip
sh "$tiers/enter.sh" "$root" "$repository" "$suite"
