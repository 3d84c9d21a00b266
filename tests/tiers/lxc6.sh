#!/bin/sh
# Runs the tests that start containers under another liblxc, on this kernel:
# the programs that are built here, in a root of Debian 13 (liblxc 6.0, CRIU 4).
#
#     lxc6.sh <repository> [<name of a test>...]
#
# Everything must be built before. A test that is skipped there is a failure.
set -eu

repository=${1:?usage: lxc6.sh REPOSITORY [TEST...]}
repository=$(cd "$repository" && pwd)
shift
tiers=$(cd "$(dirname "$0")" && pwd)
root="$repository/target/tiers/trixie"
sh "$tiers/root.sh" trixie "$root"

# The templates are those of the machine: its guests are the same, only what is
# below them is not.
cd "$repository/tests"
built=$(cargo test --workspace --no-run --message-format=json 2>/dev/null |
	sed -n 's/.*"target":{[^}]*"name":"\(lxc\|e2e\|control\)".*"executable":"\([^"]*\)".*/\1 \2/p')
for suite in control lxc e2e; do
	program=$(echo "$built" | sed -n "s/^$suite //p" | tail -n 1)
	[ -n "$program" ] || { echo "lxc6.sh: no test program $suite: build it first" >&2; exit 1; }
	printf '\n--- %s with liblxc 6\n' "$suite"
	sh "$tiers/enter.sh" "$root" "$repository" "$program" "$@"
done
