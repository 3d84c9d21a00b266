#!/bin/sh
# In the machine: what a reboot of the host does to containers.
#
#     reboot.sh before <folder of the packages>
#     reboot.sh after
set -eu

fail() {
	printf '%s\n' "FAILED: $*" >&2
	exit 1
}

# A guest that writes down how it goes.
template() {
	guest=$(mktemp -d)
	mkdir -p "$guest/bin" "$guest/sbin" "$guest/etc"
	for name in dev proc sys run tmp var root; do mkdir "$guest/$name"; done
	cp /bin/busybox "$guest/bin/busybox"
	for applet in $(busybox --list | grep -vx busybox); do ln -s busybox "$guest/bin/$applet"; done
	ln -sf ../bin/busybox "$guest/sbin/init"
	cat >"$guest/etc/inittab" <<'TEXT'
::sysinit:/bin/sh -c 'echo up >>/root/life'
::respawn:/bin/sleep 100000
::shutdown:/bin/sh -c 'echo down >>/root/life'
TEXT
	tar --create --zstd --file "$1" --directory "$guest" .
	rm -rf "$guest"
}

life() {
	pct exec "$1" -- cat /root/life | tr '\n' ' '
}

case ${1:?usage: reboot.sh before|after} in
before)
	dpkg --install "${2:?usage: reboot.sh before FOLDER}"/*.deb >/dev/null
	# As it is from the next boot on: its stop is what this is about.
	systemctl start pct-startall.service
	template /var/lib/pct/storage/template/cache/busybox.tar.zst
	for id in 9000 9001 9002; do
		pct create $id local:vztmpl/busybox.tar.zst --ostype unmanaged --rootfs local:0 --memory 64 --hostname "ct$id"
	done
	# 9001 comes up with the host and after 9002; 9000 only by hand, and is down when the host goes.
	pct set 9001 --onboot 1 --startup order=2
	pct set 9002 --onboot 1 --startup order=1,up=1
	pct start 9001
	[ "$(life 9001)" = 'up ' ] || fail "$(life 9001)"
	pct reboot 9001
	[ "$(life 9001)" = 'up down up ' ] || fail "a reboot of the guest: $(life 9001)"
	pct exec 9001 -- reboot
	pct wait 9001 running --timeout 100
	end=$(($(date +%s) + 100))
	until [ "$(life 9001 2>/dev/null)" = 'up down up down up ' ]; do
		[ "$(date +%s)" -lt $end ] || fail "a reboot from inside: $(life 9001)"
		sleep 1
	done
	;;
after)
	systemctl is-system-running --wait || :
	systemctl status --no-pager pct-startall.service
	[ "$(pct status 9000)" = 'status: stopped' ] || fail '9000 runs'
	# Told to go down with the host, and up again with it.
	[ "$(life 9001)" = 'up down up down up down up ' ] || fail "9001: $(life 9001)"
	[ "$(life 9002)" = 'up ' ] || fail "9002: $(life 9002)"
	started=$(journalctl -b -u pct-startall.service -o cat | grep -o 'CT 900[0-9]' | tr '\n' ' ')
	case $started in
	'CT 9002 '*'CT 9001 '*) ;;
	*) fail "not in order: $started" ;;
	esac
	systemctl stop pct-startall.service
	for id in 9001 9002; do
		[ "$(pct status $id)" = 'status: stopped' ] || fail "$id runs on"
	done
	for id in 9000 9001 9002; do pct destroy $id; done
	;;
esac
