#!/bin/sh
# Runs the tests that start containers under another liblxc, on this kernel:
# the programs that are built here, in a root of Debian 13 (liblxc 6.0, CRIU 4).
#
#     lxc6.sh <repository> [<name of a test>...]
#
# Everything must be built before. A test that is skipped there is a failure,
# also one of CRIU.
set -eu

repository=${1:?usage: lxc6.sh REPOSITORY [TEST...]}
repository=$(cd "$repository" && pwd)
shift
tiers=$(cd "$(dirname "$0")" && pwd)
root="$repository/target/tiers/trixie"
sh "$tiers/root.sh" trixie "$root"

# CRIU 4 can be used on this kernel.
export PCT_E2E="${PCT_E2E-} criu"
# The templates are those of the machine: its guests are the same, only what is
# below them is not.
cd "$repository/tests"
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed=
for suite in control lxc e2e; do
	program=$(sh "$tiers/built.sh" "$suite" --workspace)
	printf '\n--- %s with liblxc 6\n' "$suite"
	{
		sh "$tiers/enter.sh" "$root" "$repository" "$program" --show-output "$@" && status=0 || status=$?
		echo "$status" >"$logs/status"
	} 2>&1 | tee "$logs/$suite"
	[ "$(cat "$logs/status")" = 0 ] || failed="$failed $suite"
done

printf '\n=== What ran with liblxc 6\n'
for suite in control lxc e2e; do
	sh "$tiers/report.sh" "$suite" "$logs/$suite"
done
[ -z "$failed" ] || { echo "lxc6.sh: failed:$failed" >&2; exit 1; }
