#!/bin/sh
# Runs the fuzz targets side by side:
#
#     run.sh [SECONDS [TARGET…]]
#
# It needs no cargo-fuzz and no nightly compiler: rustc puts the counters of
# branches and comparisons in, and the crate libfuzzer-sys brings what reads
# them. What the fuzzers learn is kept in target/fuzz/corpus; an input that
# fails lies in fuzz/artifacts afterwards, and
# `target/fuzz/bin/TARGET INPUT` runs it alone.
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -eq 0 ] || shift
if [ $# -eq 0 ]; then
	for target in fuzz/fuzz_targets/*.rs; do
		set -- "$@" "$(basename "$target" .rs)"
	done
fi

coverage=-Cpasses=sancov-module
for what in level=4 inline-8bit-counters pc-table trace-compares; do
	coverage="$coverage -Cllvm-args=-sanitizer-coverage-$what"
done
# Programs that cargo runs while it builds have no counters: they are built for
# the host, and everything else for a target, which happens to be the same.
host=$(rustc --print host-tuple)
RUSTFLAGS="$coverage --cfg fuzzing" "${CARGO:-cargo}" build --manifest-path fuzz/Cargo.toml --release \
	--target "$host" --target-dir target/fuzz
ln -sfn "$host/release" target/fuzz/bin

fuzz() {
	corpus=target/fuzz/corpus/$1 artifacts=fuzz/artifacts/$1/ log=target/fuzz/$1.log
	mkdir -p "$corpus" "$artifacts"
	# What a target writes need not outlive it, nor a reboot.
	scratch=$(mktemp -d /dev/shm/pct-fuzz.XXXXXX)
	if TMPDIR=$scratch "target/fuzz/bin/$1" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=512 \
		-artifact_prefix="$artifacts" "$corpus" "fuzz/corpus/$1" >"$log" 2>&1; then
		# `cov` are the branches that were reached: at first, and in the end.
		grep -E '	(INITED|DONE) ' "$log" | sed "s/^/$1: /"
	else
		tail -n 40 "$log"
		echo "$1: failed; all of its output is in $log" >&2
		rm -r "$scratch"
		return 1
	fi
	rm -r "$scratch"
}

running=
for target; do
	fuzz "$target" &
	running="$running $!"
done
failed=0
for pid in $running; do
	wait "$pid" || failed=1
done
exit $failed
