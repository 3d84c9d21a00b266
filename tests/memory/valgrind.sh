#!/bin/sh
# Runs a program under valgrind: a leak or an invalid access makes it fail with
# 99. What it executes runs as it is, and its forks are liblxc's: they end
# without freeing anything. What liblxc itself loses is in liblxc.supp.
here=$(cd "$(dirname "$0")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
valgrind -q --leak-check=full --show-leak-kinds=definite,indirect --num-callers=20 --gen-suppressions=all \
	--child-silent-after-fork=yes --suppressions="$here/liblxc.supp" --log-file="$log" "$@"
status=$?
# Warnings of valgrind about itself begin with dashes.
if grep -q '^==' "$log"; then
	grep -v '^--' "$log" >&2
	exit 99
fi
exit "$status"
