#!/bin/sh
# Makes the disk of a virtual machine from a Debian release's own packages:
#
#     image.sh <suite> <folder>
#
# In the folder then: disk.raw (the root, ext4), vmlinuz, initrd, and the key
# for ssh, `key`. One newer than this script is kept.
set -eu

suite=${1:?usage: image.sh SUITE FOLDER}
folder=${2:?usage: image.sh SUITE FOLDER}
if [ "$folder/disk.raw" -nt "$0" ]; then
	exit 0
fi
. "$(dirname "$0")/../templates/mirror.sh"
mirror=$(host_mirror)

# A machine as users have it: systemd, AppArmor, lxcfs, udev, a stock kernel;
# what libpct runs; what the tests run.
packages=systemd-sysv,udev,dbus,linux-image-amd64,initramfs-tools,kmod,apparmor,openssh-server,netbase
packages=$packages,lxc,lxc-templates,lxcfs,uidmap,e2fsprogs,quota,iproute2,nftables,iputils-ping,isc-dhcp-client
packages=$packages,mmdebstrap,zstd,xz-utils,bzip2,busybox-static,strace,dnsmasq-base,acl,attr,libcap2-bin
packages=$packages,openssh-client,procps,ca-certificates,xfsprogs,btrfs-progs
# The storages. Debian has ZFS as source: dkms compiles it for the machine's
# kernel, here, because an emulated processor would take hours.
packages=$packages,lvm2,thin-provisioning-tools,nfs-kernel-server,nfs-common,rpcbind
packages=$packages,zfs-dkms,zfsutils-linux,linux-headers-amd64

rm -rf "$folder"
mkdir -p "$folder"
work=$(mktemp -d /var/tmp/pct-vm.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
root="$work/root"
ssh-keygen -q -t ed25519 -N '' -C pct-test-vm -f "$folder/key"

# The initial RAM disk finds a root on virtio, and can mount the share.
cat >"$work/modules" <<'TEXT'
virtio_pci
virtio_blk
virtio_net
ext4
9p
9pnet_virtio
TEXT
mmdebstrap --quiet --mode=root --variant=minbase --components=main,contrib --include="$packages" \
	--aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"' \
	--essential-hook="copy-in $work/modules /etc/initramfs-tools" \
	--essential-hook='echo MODULES=list >"$1/etc/initramfs-tools/conf.d/list"' \
	--customize-hook='chroot "$1" dkms autoinstall -k "$(ls "$1/lib/modules")"' \
	--customize-hook='chroot "$1" modinfo -k "$(ls "$1/lib/modules")" -F filename zfs' \
	"$suite" "$root" "$mirror" </dev/null

cp "$root"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$root"/boot/initrd.img-* "$folder/initrd"
rm -rf "$root"/boot/vmlinuz-* "$root"/boot/initrd.img-*

echo pct-vm >"$root/etc/hostname"
printf '127.0.0.1\tlocalhost pct-vm\n::1\tlocalhost\n' >"$root/etc/hosts"
echo 'LABEL=root / ext4 defaults 0 1' >"$root/etc/fstab"
cat >"$root/etc/systemd/network/10-nic.network" <<'TEXT'
[Match]
Name=en*

[Network]
DHCP=yes
TEXT
ln -sf /lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/"
# No bridge of liblxc's own, and nothing that waits for a network.
rm -f "$root"/etc/systemd/system/multi-user.target.wants/lxc-net.service
echo 'USE_LXC_BRIDGE="false"' >"$root/etc/default/lxc-net"
mkdir -p "$root/root/.ssh"
cp "$folder/key.pub" "$root/root/.ssh/authorized_keys"
chmod 700 "$root/root/.ssh"
# An emulated processor works a quarter of a minute on an RSA key of the usual length, and most tests make one.
mv "$root/usr/bin/ssh-keygen" "$root/usr/bin/ssh-keygen.real"
cat >"$root/usr/bin/ssh-keygen" <<'TEXT'
#!/bin/sh
case " $* " in *" -t rsa "*) set -- -b 1024 "$@" ;; esac
exec /usr/bin/ssh-keygen.real "$@"
TEXT
chmod 755 "$root/usr/bin/ssh-keygen"
for file in subuid subgid; do
	grep -q '^root:' "$root/etc/$file" || echo root:100000:65536 >>"$root/etc/$file"
done

truncate -s 8G "$work/disk.raw"
mke2fs -q -t ext4 -L root -d "$root" "$work/disk.raw"
mv "$work/disk.raw" "$folder/disk.raw"
touch "$folder/disk.raw"
echo "image.sh: made $folder ($(du -h "$folder/disk.raw" | cut -f1))"
