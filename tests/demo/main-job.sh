#!/bin/sh
# The main job on a real container, each command shown with its output:
#
#     main-job.sh <folder of pct> <template>
#
# Everything lives below a private PCT_ROOT and goes away at the end, also when
# a command fails or you press Ctrl-C.
set -eu

bin=$(cd "${1:?usage: main-job.sh BIN TEMPLATE}" && pwd)
template=${2:?usage: main-job.sh BIN TEMPLATE}
PATH=$bin:$PATH

# A number that nobody uses: of no container that runs, of no interface.
id=9900
while grep -q "/$id/command" /proc/net/unix || [ -e "/sys/class/net/pctbr$id" ]; do
	id=$((id + 1))
done
bridge=pctbr$id

PCT_ROOT=$(mktemp -d /var/tmp/pct-demo.XXXXXX)
export PCT_ROOT
# The root of an unprivileged container must be able to pass.
chmod 711 "$PCT_ROOT"

cleanup() {
	status=$?
	trap - EXIT INT TERM
	pct destroy $id --force --purge >/dev/null 2>&1 || :
	ip link delete "$bridge" 2>/dev/null || :
	rm -rf --one-file-system "$PCT_ROOT"
	if [ "$status" = 0 ]; then
		printf '\n%s\n' "Done. The container, its bridge and $PCT_ROOT are gone again."
	else
		printf '\n%s\n' "The demo failed with status $status; what it made is gone again." >&2
	fi
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold= plain=; fi

note() {
	printf '\n# %s\n' "$*"
}

show() {
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	"$@"
}

note "A bridge for it to live on, as a host would have one"
show ip link add "$bridge" type bridge
show ip addr add 10.199.0.1/24 dev "$bridge"
show ip link set "$bridge" up

note "From a template to a container"
show pct create $id "$template" -hostname demo -memory 512 -cores 1 -rootfs local:2 \
	-features nesting=1 -net0 "name=eth0,bridge=$bridge,ip=10.199.0.2/24,gw=10.199.0.1"
show pct config $id
show pct list

note "Started: systemd is its init"
show pct start $id
show pct status $id
# Its bus is there a moment after init is, and before that nobody can be asked.
tries=0
until pct exec $id -- systemctl is-system-running >/dev/null 2>&1 || [ $tries = 300 ]; do
	state=$(pct exec $id -- systemctl is-system-running 2>/dev/null || :)
	case $state in degraded) break ;; esac
	tries=$((tries + 1))
	sleep 0.2
done
printf '%s$ %s%s\n' "$bold" "pct exec $id -- systemctl is-system-running" "$plain"
# 'degraded' (a mount that no container may make) ends with 1.
pct exec $id -- systemctl is-system-running || :

note "Commands inside: streams apart, status handed on"
show pct exec $id -- hostname
show pct exec $id -- ip -brief address
show pct exec $id -- sh -c 'grep PRETTY_NAME /etc/os-release; id; cat /proc/self/uid_map'
printf '%s$ %s%s\n' "$bold" "pct exec $id -- sh -c 'exit 42'; echo \$?" "$plain"
status=0
pct exec $id -- sh -c 'exit 42' || status=$?
echo $status
printf '%s$ %s%s\n' "$bold" "echo 'uname -n; uptime -p' | pct enter $id" "$plain"
echo 'uname -n; uptime -p 2>/dev/null || uptime' | pct enter $id

note "Rebooted, shut down, started, stopped"
show pct reboot $id
show pct shutdown $id --timeout 60
show pct status $id
show pct start $id
show pct stop $id

note "And removed"
show pct destroy $id --purge
show pct list
