#!/bin/sh
# Runs a command in another root, on this kernel:
#
#     enter.sh <root> <repository> <command> [<argument>...]
#
# A mount namespace of its own and pivot_root: in a chroot neither liblxc nor
# CRIU works. The repository is there at its usual path. Nothing is mounted on
# the host, so nothing is left when the command ends, or is killed.
set -eu

if [ "${PCT_TIER_INSIDE-}" = "" ]; then
	export PCT_TIER_INSIDE=1
	exec unshare --mount --propagation private /bin/sh "$0" "$@"
fi
root=$1
repository=$2
shift 2

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
# The ids that tests have taken are those of the machine.
mkdir -p "$root/run/lock" /run/lock "$root/$repository"
mount --bind /run/lock "$root/run/lock"
mount --rbind "$repository" "$root/$repository"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# A root that was made for containers of root: the same ids as on the host.
cp /etc/subuid /etc/subgid "$root/etc/"
mkdir -p "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
cd "$repository"
unset PCT_TIER_INSIDE
exec env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
