#!/bin/sh
# Lives with the packages, as root in a root of Debian of its own, on its real
# paths:
#
#     inside.sh <folder of the packages> <version>
#
# Installs them, runs the main job, upgrades and removes them under a container
# that runs, and purges them.
set -eu

packages=$1
version=$2

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

install() {
	for name in pct libpct0 libpct-dev; do
		set -- "$@" "$packages/${name}_$wanted"_*.deb
	done
	dpkg --install "$@" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; fail 'dpkg --install'; }
}

# Every path of the root, but the repository and what dpkg and its friends keep books in.
paths() {
	find / -xdev \( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path "$PWD" -o -path "$work" \) \
		-prune -o -print | sort
}

# What is there and was not before.
left() {
	paths >"$work/after"
	[ -z "$(comm -23 "$work/before" "$work/after")" ] || fail "gone: $(comm -23 "$work/before" "$work/after")"
	comm -13 "$work/before" "$work/after"
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

# The host's process id of the container's init.
init() {
	for folder in /proc/[0-9]*; do
		if grep -qs "lxc.*/$id/ns\$\|lxc/$id/ns" "$folder/cgroup" &&
			grep -qs '^NSpid:.*[[:blank:]]1$' "$folder/status"; then
			echo "${folder#/proc/}"
		fi
	done
}

: >/etc/subuid
: >/etc/subgid
template "$work/busybox.tar.zst"
paths >"$work/before"

step 'install'
wanted=$version
install
for name in pct libpct0 libpct-dev; do
	dpkg --verify "$name" || fail "$name is not as it was packed"
done
[ "$(cat /etc/subuid /etc/subgid)" = "$(printf 'root:100000:65536\n%.0s' 1 2)" ] || fail 'no ids for root'
[ -L /etc/systemd/system/multi-user.target.wants/pct-startall.service ] || fail 'the unit is not enabled'
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
pct exec $id -- cat /proc/self/uid_map | grep -q '100000 *65536$' || fail 'no ids of its own'
pct stop $id
[ "$(pct status $id)" = 'status: stopped' ] || fail 'it does not stop'
pct start $id

step 'a program in C'
gcc -Wall -Werror -o "$work/lifecycle" /usr/share/doc/libpct-dev/examples/lifecycle.c -lpct
exec 8>>"/run/lock/pct-tests/$((id + 1))"
if flock --nonblock 8; then
	"$work/lifecycle" $((id + 1)) /var/lib/pct/storage/template/cache/busybox.tar.zst >"$work/c.log" ||
		fail 'the program in C'
	grep -qx 'inside: example' "$work/c.log" || fail 'the program in C saw no inside'
fi

step 'upgrade, and it runs on'
running=$(init)
[ -n "$running" ] || fail 'the container has no init'
sed -i '/^root:/d' /etc/subgid
wanted=$version+next
install
[ "$(dpkg-query -W -f '${Version}' pct)" = "$wanted" ] || fail 'no upgrade'
[ "$(init)" = "$running" ] || fail 'the container did not survive the upgrade'
[ "$(pct exec $id -- hostname)" = packaged ] || fail 'exec fails after the upgrade'
! grep -q '^root:' /etc/subgid || fail 'the upgrade has put back what was taken out'
cp /etc/subuid /etc/subgid

step 'remove, and it runs on'
dpkg --remove libpct-dev libpct0 pct >"$work/dpkg.log" 2>&1
grep -q 'containers that run go on running' "$work/dpkg.log" || fail 'nothing is said about the containers'
[ ! -e /usr/sbin/pct ] || fail 'pct is still there'
[ "$(init)" = "$running" ] || fail 'the container did not survive the removal'
install
[ "$(pct exec $id -- hostname)" = packaged ] || fail 'exec fails after it was installed again'
pct stop $id

step 'purge, and the container stays'
dpkg --purge libpct-dev libpct0 pct >"$work/dpkg.log" 2>&1
left | grep -v -e '^/etc/pct' -e '^/var/lib/pct' >"$work/left" || :
[ ! -s "$work/left" ] || fail "left behind: $(cat "$work/left")"
[ -f /etc/pct/lxc/$id.conf ] || fail 'the configuration is gone'
[ -f /var/lib/pct/storage/images/$id/vm-$id-disk-0.raw ] || fail 'the volume is gone'
[ ! -e /run/pct ] || fail '/run/pct is left behind'
grep -qx 'root:100000:65536' /etc/subuid || fail 'the ids are gone, which files of containers have'

step 'install, destroy, purge, and nothing stays'
install
pct start $id
[ "$(pct exec $id -- hostname)" = packaged ] || fail 'the container does not work any more'
pct stop $id
pct destroy $id
rm /var/lib/pct/storage/template/cache/busybox.tar.zst
dpkg --purge libpct-dev libpct0 pct >"$work/dpkg.log" 2>&1
[ -z "$(left)" ] || fail "left behind: $(left)"
[ ! -e /run/pct ] || fail '/run/pct is left behind'
