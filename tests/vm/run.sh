#!/bin/sh
# Runs tests in virtual machines of Debian releases:
#
#     run.sh <repository> [<suite>...]
#
# Each suite is a release, bookworm or trixie; both when none is named. The
# programs of the profile `quick` and the packages must be built before. In
# TESTS are names of tests of the e2e suite; then only those run. In PARTS are
# those that run, of control, units, e2e, packages and reboot.
#
# Prints what ran and what did not. The whole output stays in the folder logs
# of each machine.
set -eu

repository=$(cd "${1:?usage: run.sh REPOSITORY [SUITE...]}" && pwd)
shift
cd "$repository"
vm=tests/vm/vm.sh

# An emulated processor is ten times slower, so of what runs everywhere only
# that is here which a kernel, an AppArmor or an init can change.
groups='machine:: limits:: set:: network:: lifecycle:: hotplug_disk::devices hotplug_disk::a_new_volume'
groups="$groups snapshot:: storage:: repair:: volume_stream::"
parts=${TESTS:+e2e}
parts=${PARTS:-${parts:-control units e2e packages reboot}}
rooms='cgroup:: net:: mount:: rootfs:: sys:: lxc::'

# Found once: what is built meanwhile is of another state.
options='--profile quick --workspace --lib --test e2e --test control'
# shellcheck disable=SC2086 # words
cargo test --no-run $options
program() {
	# shellcheck disable=SC2086
	sh tests/tiers/built.sh "$1" $options
}
control=$(program control)
units=$(program pct)
e2e=$(program e2e)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

# part NAME SECONDS COMMAND: a command in the machine.
part() {
	log=$logs/$1.log
	printf '\n--- %s: %s\n' "$suite" "$1"
	started=$(date +%s)
	result=passed
	if sh $vm ssh "$folder" "cd '$repository' && timeout --kill-after=30 $2 $3" >"$log" 2>&1 </dev/null; then
		echo "passed in $(($(date +%s) - started)) s"
	else
		status=$?
		failed="$failed $suite:$1"
		result=FAILED
		tail -n 60 "$log"
		echo "FAILED with status $status: $log"
		sh $vm ssh "$folder" 'dmesg | tail -n 40; journalctl -b --no-pager -n 200' >"$logs/$1.journal" 2>&1 || :
	fi
	sh tests/tiers/report.sh "$suite: $1: $result" "$log" >>"$summary"
}

tests() {
	echo "env PCT_E2E='require machine' PCT_PATIENCE=10 RUST_TEST_THREADS=2 $1 --show-output"
}

run() {
	case $1 in
	control) part control 900 "$(tests "$control")" ;;
	units) part units 900 "$(tests "$units") $rooms" ;;
	e2e) part e2e 7200 "$(tests "$e2e") ${TESTS:-$groups}" ;;
	packages) part packages 900 "sh tests/packaging/inside.sh target/deb $version" ;;
	reboot) reboot ;;
	*)
		echo "run.sh: no such part: $1" >&2
		exit 2
		;;
	esac
}

# The unit of the package, over a reboot of the host.
reboot() {
	part before-reboot 600 'sh tests/vm/reboot.sh before target/deb'
	printf '\n--- %s: reboot\n' "$suite"
	if ! sh $vm reboot "$folder" .; then
		failed="$failed $suite:reboot"
		echo "$suite: reboot: FAILED" >>"$summary"
		return
	fi
	part after-reboot 600 'sh tests/vm/reboot.sh after'
}

failed=
summary=$(mktemp)
trap 'rm -f "$summary"; [ -z "${folder-}" ] || sh $vm down "$folder"' EXIT
trap 'exit 130' INT TERM
for suite in ${*:-bookworm trixie}; do
	folder=target/vm/$suite
	logs=$folder/logs
	rm -rf "$logs"
	# One that an earlier run has left.
	[ ! -f "$folder/pid" ] || sh $vm down "$folder"
	sh tests/vm/image.sh "$suite" "$folder"
	mkdir -p "$logs"
	sh $vm up "$folder" .
	sh $vm ssh "$folder" '. /etc/os-release; echo "$PRETTY_NAME, kernel $(uname -r), liblxc $(lxc-start --version), $(apparmor_parser --version | head -n 1)"' |
		tee -a "$summary"
	for name in $parts; do run "$name"; done
	sh $vm down "$folder"
done

printf '\n=== What ran\n'
cat "$summary"
if [ -n "$failed" ]; then
	printf '\nFAILED:%s\n' "$failed"
	exit 1
fi
