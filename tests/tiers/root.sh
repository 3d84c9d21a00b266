#!/bin/sh
# Makes the root of another Debian release from its packages, with what the
# tests of containers need:
#
#     root.sh <suite> <folder>
#
# The mirror is that of this machine. A root newer than this script is kept.
set -eu

suite=${1:?usage: root.sh SUITE FOLDER}
root=${2:?usage: root.sh SUITE FOLDER}
if [ "$root/.made" -nt "$0" ]; then
	exit 0
fi
. "$(dirname "$0")/../templates/mirror.sh"
mirror=$(host_mirror)

# liblxc with its tools, CRIU and the iptables that it locks a network with, what
# libpct runs, and what the tests run: rsync for liblxc's copies, valgrind and the
# symbols it needs. The names are those of Debian 13.
packages=lxc,lxc-templates,liblxc1t64,liblxc-common,criu,iptables,uidmap,e2fsprogs,openssh-client,iproute2,isc-dhcp-client
packages=$packages,mmdebstrap,zstd,xz-utils,bzip2,busybox-static,strace,dnsmasq-base,util-linux,xfsprogs,btrfs-progs,acl,attr
packages=$packages,libcap2-bin,procps,ca-certificates,libc6-dev,gcc,rsync,valgrind,libc6-dbg
# Debian 12 has liblxc by another name, and no CRIU.
if [ "$suite" = bookworm ]; then
	packages=$(echo "$packages" | sed -e 's/liblxc1t64/liblxc1/' -e 's/criu,//')
fi

mkdir -p "$(dirname "$root")"
rm -rf --one-file-system "$root" "$root.part"
mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
	--aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	"$suite" "$root.part" "$mirror" </dev/null
touch "$root.part/.made"
mv "$root.part" "$root"
echo "root.sh: made $root ($(du -shx "$root" | cut -f1))"
