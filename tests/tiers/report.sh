#!/bin/sh
# Prints what a test program has said in a line, and each test that it skipped
# or that failed:
#
#     report.sh <title> <log of a run with --show-output>
set -eu

counts=$(sed -n 's/^test result: [^.]*\. \(.*\); 0 ignored; 0 measured; \([0-9]* filtered out\); finished in \(.*\)$/\1, \2, in \3/p' "$2")
skipped=$(sed -n '/^skipped: /p' "$2" | sort -u)
echo "$1${counts:+: $counts}${skipped:+, of the passed $(echo "$skipped" | wc -l) skipped}"
{
	echo "$skipped"
	sed -n 's/^test \(.*\) \.\.\. FAILED$/failed: \1/p' "$2"
} | sed -n 's/^./    &/p'
