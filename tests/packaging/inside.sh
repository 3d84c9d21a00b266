#!/bin/sh
# Lives with the packages, as root in a Debian that nobody needs afterwards, on
# its real paths:
#
#     inside.sh <folder of the packages> <version>
#
# Installs them, runs the main job, upgrades and removes them under a container
# that runs, and purges them. In a machine where systemd is running the unit does
# its work, too. Needs no network: what the packages depend on is there.
set -eu

packages=$(cd "$1" && pwd)
version=$2
next=$version+next
unit=pct-startall.service
if [ -d /run/systemd/system ]; then machine=yes; else machine=no; fi

fail() {
	printf '%s\n' "FAILED: $*" >&2
	exit 1
}

step() {
	printf '%s\n' "- $*"
}

# An id that no test has, of this repository or another.
mkdir -p /run/lock/pct-tests
id=9000
while :; do
	exec 9>>"/run/lock/pct-tests/$id"
	if flock --nonblock 9 && ! grep -q "/$id/command" /proc/net/unix; then break; fi
	id=$((id + 1))
	[ $id -lt 10000 ] || fail 'no container id is free'
done

work=$(mktemp -d /tmp/pct-packages.XXXXXX)
finish() {
	status=$?
	trap - EXIT
	[ ! -x /usr/sbin/pct ] || pct destroy $id --force --purge >/dev/null 2>&1 || :
	rm -rf "$work"
	exit $status
}
trap finish EXIT

quietly() {
	DEBIAN_FRONTEND=noninteractive "$@" >"$work/log" 2>&1 </dev/null || { cat "$work/log"; fail "$*"; }
}

# install VERSION FOLDER
install() {
	quietly apt-get install --yes --no-install-recommends \
		"$2/pct_$1"_*.deb "$2/libpct0_$1"_*.deb "$2/libpct-dev_$1"_*.deb
}

# The same packages as those of the next release.
make_next() {
	for name in pct libpct0 libpct-dev; do
		dpkg-deb --raw-extract "$packages/${name}_$version"_*.deb "$work/package"
		sed -i -e "s/^Version: .*/Version: $next/" -e "s/(= $version)/(= $next)/" "$work/package/DEBIAN/control"
		quietly dpkg-deb -Znone --build "$work/package" "$work/${name}_${next}_all.deb"
		rm -rf "$work/package"
	done
}

# Every path of the root, but the repository, what dpkg and its friends keep books in, and what the
# services of a machine write whenever they like.
paths() {
	set -- "$PWD" "$work" /var/log /var/cache /var/backups '/tmp/systemd-private-*' '/var/tmp/systemd-private-*'
	for books in apt dhcp dpkg logrotate private systemd/timers systemd/timesync; do
		set -- "$@" "/var/lib/$books"
	done
	for place in "$@"; do
		shift
		set -- "$@" -path "$place" -prune -o
	done
	find / -xdev "$@" -print | sort
}

purge() {
	quietly dpkg --purge libpct-dev libpct0 pct
	[ ! -e /run/pct ] || fail '/run/pct is left behind'
	paths >"$work/after"
	[ -z "$(comm -23 "$work/before" "$work/after")" ] || fail "gone: $(comm -23 "$work/before" "$work/after")"
	# What is there and was not before.
	comm -13 "$work/before" "$work/after" >"$work/left"
}

# The guest: Debian's static busybox, with an init that waits.
template() {
	mkdir -p "$work/guest/bin" "$work/guest/sbin" "$work/guest/etc"
	for folder in dev proc sys run tmp var root; do mkdir "$work/guest/$folder"; done
	cp /bin/busybox "$work/guest/bin/busybox"
	for applet in $(busybox --list | grep -vx busybox); do ln -s busybox "$work/guest/bin/$applet"; done
	ln -sf ../bin/busybox "$work/guest/sbin/init"
	echo '::respawn:/bin/sleep 100000' >"$work/guest/etc/inittab"
	tar --create --zstd --file "$1" --directory "$work/guest" .
	rm -rf "$work/guest"
}

# The host's process id of the container's init: the first one in a namespace just below.
init() {
	for folder in /proc/[0-9]*; do
		if grep -qsE ":/([^:]*/)?lxc/$id(/|\$)" "$folder/cgroup" &&
			grep -qsE '^NSpid:[[:blank:]]+[0-9]+[[:blank:]]+1$' "$folder/status"; then
			echo "${folder#/proc/}"
		fi
	done
}

is() {
	[ "$(pct status $id)" = "status: $1" ] || fail "it is not $1: $2"
}

# The pages and documents that a test's root does without are in question here.
rm -f /etc/dpkg/dpkg.cfg.d/*mmdebstrap*
: >/etc/subuid
: >/etc/subgid
template "$work/busybox.tar.zst"
paths >"$work/before"

step 'install'
install $version "$packages"
for name in pct libpct0 libpct-dev; do
	dpkg --verify "$name" || fail "$name is not as it was packed"
done
[ "$(cat /etc/subuid /etc/subgid)" = "$(printf 'root:100000:65536\n%.0s' 1 2)" ] || fail 'no ids for root'
[ -L /etc/systemd/system/multi-user.target.wants/$unit ] || fail 'the unit is not enabled'
if [ $machine = yes ]; then
	[ "$(systemctl is-enabled $unit)" = enabled ] || fail 'systemd does not take the unit for enabled'
	[ "$(systemctl is-active $unit)" = inactive ] || fail 'the unit was started'
fi
[ "$(command -v pct)" = /usr/sbin/pct ] || fail 'pct is not where scripts look for it'
pct help >"$work/help"
grep -q '^USAGE: pct create ' "$work/help" || fail 'pct help shows no create'
for verb in $(pct help --verbose 0 | sed -n 's/.*pct \([^ ]*\) .*/\1/p'); do
	[ -f "/usr/share/man/man8/pct-$verb.8.gz" ] || fail "no page for $verb"
done
# Neither at install, nor at upgrade, nor at removal is anything started or stopped.
! grep -l 'deb-systemd-invoke\|systemctl.*start' /var/lib/dpkg/info/pct.* || fail 'a script starts or stops units'

step 'the main job'
mv "$work/busybox.tar.zst" /var/lib/pct/storage/template/cache/busybox.tar.zst
pct create $id local:vztmpl/busybox.tar.zst --ostype unmanaged --rootfs local:1 --hostname packaged --memory 64
pct start $id
[ "$(pct exec $id -- hostname)" = packaged ] || fail 'exec says another name'
pvesm list local --vmid $id | grep -q "^local:$id/" || fail 'pvesm does not list its volume'
pct exec $id -- cat /proc/self/uid_map | grep -q '100000 *65536$' || fail 'no ids of its own'
pct stop $id
is stopped 'by pct stop'

if [ $machine = yes ]; then
	step 'the unit'
	pct set $id --onboot 1
	# As at boot: nobody but the target asks for it.
	systemctl start multi-user.target
	pct wait $id running --timeout 300
	systemctl start $unit
	[ "$(systemctl is-active $unit)" = active ] || fail 'the unit is not active'
	systemctl stop $unit
	is stopped 'by the unit'
	systemctl start $unit
	is running 'by the unit'
	pct set $id --lock backup
	systemctl stop $unit
	is running 'it is locked, and not for systemd to kill'
	pct unlock $id
	pct stop $id
	# Active in all that follows.
	systemctl start $unit
	is running 'by the unit'
	systemctl daemon-reload
	[ ! -e /sys/fs/cgroup/cgroup.controllers ] ||
		[ "$(cat /sys/fs/cgroup/lxc/$id/memory.max)" = $((64 << 20)) ] || fail 'systemd has taken the limit away'
else
	pct start $id
fi

step 'a program in C'
exec 8>>"/run/lock/pct-tests/$((id + 1))"
if [ $machine = yes ] && ! command -v gcc >/dev/null; then
	echo 'skipped: a program in C: no gcc is here'
elif flock --nonblock 8; then
	gcc -Wall -Werror -o "$work/lifecycle" /usr/share/doc/libpct-dev/examples/lifecycle.c -lpct
	"$work/lifecycle" $((id + 1)) /var/lib/pct/storage/template/cache/busybox.tar.zst >"$work/c.log" ||
		fail 'the program in C'
	grep -qx 'inside: example' "$work/c.log" || fail 'the program in C saw no inside'
fi

step 'upgrade, and it runs on'
running=$(init)
[ -n "$running" ] || fail 'the container has no init'
sed -i '/^root:/d' /etc/subgid
make_next
install $next "$work"
[ "$(dpkg-query -W -f '${Version}' pct)" = $next ] || fail 'no upgrade'
[ "$(init)" = "$running" ] || fail 'the container did not survive the upgrade'
[ "$(pct exec $id -- hostname)" = packaged ] || fail 'exec fails after the upgrade'
! grep -q '^root:' /etc/subgid || fail 'the upgrade has put back what was taken out'
cp /etc/subuid /etc/subgid

step 'remove, and it runs on'
quietly dpkg --remove libpct-dev libpct0 pct
grep -q 'containers that run go on running' "$work/log" || fail 'nothing is said about the containers'
[ ! -e /usr/sbin/pct ] || fail 'pct is still there'
[ "$(init)" = "$running" ] || fail 'the container did not survive the removal'
install $next "$work"
[ "$(pct exec $id -- hostname)" = packaged ] || fail 'exec fails after it was installed again'
pct stop $id

step 'purge, and the container stays'
purge
! grep -v -e '^/etc/pct' -e '^/var/lib/pct' "$work/left" || fail 'these files are left behind'
[ -f /etc/pct/lxc/$id.conf ] || fail 'the configuration is gone'
[ -f /var/lib/pct/storage/images/$id/vm-$id-disk-0.raw ] || fail 'the volume is gone'
grep -qx 'root:100000:65536' /etc/subuid || fail 'the ids are gone, which files of containers have'

step 'install, destroy, purge, and nothing stays'
install $next "$work"
pct start $id
[ "$(pct exec $id -- hostname)" = packaged ] || fail 'the container does not work any more'
pct stop $id
pct destroy $id
rm /var/lib/pct/storage/template/cache/busybox.tar.zst
purge
[ ! -s "$work/left" ] || fail "left behind: $(cat "$work/left")"
