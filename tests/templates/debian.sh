#!/bin/sh
# Makes a Debian container template from Debian's own packages:
#
#     debian.sh <output.tar.zst> [<suite> [<package> | -<package>]...]
#
# with other packages than usual, and without some. The release, when none is
# given, and the mirror are those of the machine it runs on, read from its apt
# sources, so that nothing is written down here that could grow old.
# An existing output newer than this script is kept. Needs mmdebstrap and zstd.
set -eu

out=${1:?usage: debian.sh OUTPUT.tar.zst [SUITE [[-]PACKAGE]...]}
shift
if [ -e "$out" ] && [ "$out" -nt "$0" ]; then
	echo "debian.sh: $out is up to date"
	exit 0
fi

for tool in mmdebstrap zstd; do
	command -v "$tool" >/dev/null || {
		echo "debian.sh: $tool is missing: apt-get install mmdebstrap zstd" >&2
		exit 1
	}
done

. "$(dirname "$0")/mirror.sh"
suite=${1:-$(host_suite)}
[ $# = 0 ] || shift
mirror=$(host_mirror)

mkdir -p "$(dirname "$out")"
work=$(mktemp -d /var/tmp/pct-debian.XXXXXX)
trap 'rm -rf "$work"' EXIT INT TERM
# Several tests or makes at once each make their own; the last rename wins.
part="$work/debian.tar"

# What a container needs to boot and to be managed, and nothing else: an init,
# the classic network scripts that guest set-up writes for, a resolver's
# tools, and sshd for the host keys.
packages='systemd-sysv dbus ifupdown iproute2 iputils-ping isc-dhcp-client openssh-server ca-certificates netbase'
for package in "$@"; do
	case $package in
	-*) packages=$(printf '%s\n' $packages | grep -vx -e "${package#-}") ;;
	*) packages="$packages $package" ;;
	esac
done

# --mode=root: no user namespace needed. A mirror may be frozen at some day.
mmdebstrap --quiet --mode=root --variant=minbase \
	--include="$(echo $packages | tr ' ' ,)" \
	--aptopt='APT::Install-Recommends "false"' \
	--aptopt='Acquire::Check-Valid-Until "false"' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-include=/usr/share/doc/*/copyright' \
	--customize-hook='rm -f "$1"/etc/hostname "$1"/etc/resolv.conf' \
	--customize-hook='printf "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" > "$1"/etc/hosts' \
	"$suite" "$part" "$mirror" </dev/null

zstd --quiet --force -3 -T0 "$part" -o "$out.part.$$"
mv "$out.part.$$" "$out"
echo "debian.sh: made $out ($(du -h "$out" | cut -f1))"
