#!/bin/sh
# Prints where cargo, with these options, has the test program of this name:
#
#     built.sh <name> [<option of cargo test>...]
set -eu
name=$1
shift
program=$(cargo test --no-run --message-format=json "$@" 2>/dev/null |
	sed -n "s/.*\"target\":{[^}]*\"name\":\"$name\".*\"executable\":\"\([^\"]*\)\".*/\1/p" | tail -n 1)
[ -n "$program" ] || { echo "built.sh: no test program $name: build it first" >&2; exit 1; }
echo "$program"
