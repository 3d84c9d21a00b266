#!/bin/sh
# Installs what building and running need:
#
#     deps.sh demo    to build, to make the Debian template, to run containers
#     deps.sh test    the same, and what the tests and the bench need
#     deps.sh deb     the same as for demo, and what makes and checks packages
#     deps.sh vm      all of these, and what runs virtual machines
#
# Does nothing, and needs no network, when all of it is there. The Rust
# toolchain is the one thing that it does not install.
set -eu

purpose=${1:?usage: deps.sh demo|test|deb|vm}

if ! command -v cargo >/dev/null; then
	cat >&2 <<'TEXT'

  The Rust toolchain is missing: there is no `cargo` in the PATH.

  It is the one thing that you have to install yourself. Two ways:
    - rustup, as on https://rustup.rs, which gives the newest stable release;
    - apt-get install cargo, if your Debian has rustc 1.88 or newer.
  If it is installed already, `. "$HOME/.cargo/env"` puts it in the PATH.

TEXT
	exit 1
fi

if [ "$(id -u)" != 0 ]; then
	echo "This creates real containers, which needs root: run it with sudo or as root." >&2
	exit 1
fi

# liblxc and the configuration that its containers include; a linker; the tools
# that libpct runs (mkfs, newuidmap, ssh-keygen); the makers of the template.
# lxc-templates has the includes of single distributions (alpine.common.conf).
packages="gcc libc6-dev make pkg-config liblxc1 liblxc-common lxc-templates
	e2fsprogs uidmap openssh-client mmdebstrap zstd iproute2 ca-certificates"
# Its name in Debian 13, and before.
headers="liblxc-dev lxc-dev"
if [ "$purpose" = test ] || [ "$purpose" = vm ]; then
	# lxc: the tools that the bench compares with, and the control tests.
	# g++, clang, valgrind (which needs the symbols of the C library): the tests of the C
	# interface. libjansson-dev to mypy: of its users in examples/.
	# python3-jsonschema: a stranger's view of the schema.
	# acl to bzip2: archives with all that they can hold. The shells: their completion.
	# mandoc: it finds faults in manual pages. rsync: liblxc copies folders with it.
	# xfsprogs, btrfs-progs: volumes with other file systems than ext4.
	packages="$packages lxc busybox-static strace dnsmasq-base isc-dhcp-client util-linux libclang-dev
		binutils g++ clang valgrind libc6-dbg libjansson-dev perl libffi-platypus-perl python3 python3-pytest mypy
		python3-jsonschema acl attr libcap2-bin xz-utils bzip2
		bash zsh fish mandoc rsync xfsprogs btrfs-progs"
fi

if [ "$purpose" = deb ] || [ "$purpose" = vm ]; then
	packages="$packages debhelper dpkg-dev lintian busybox-static"
fi

if [ "$purpose" = vm ]; then
	packages="$packages qemu-system-x86 qemu-utils"
fi

installed() {
	dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# liblxc1 became liblxc1t64 when time_t grew: the new one provides the old name.
present() {
	installed "$1" || installed "${1}t64"
}

if ! command -v apt-get >/dev/null; then
	echo "No apt-get here: make sure yourself that these are installed: $packages ${headers%% *}" >&2
	exit 0
fi

absent() {
	for package in $packages; do
		present "$package" || printf ' %s' "$package"
	done
}

missing=$(absent)
if ! pkg-config --exists 'lxc >= 5.0' 2>/dev/null; then
	missing="$missing HEADERS"
fi
[ -n "$missing" ] || exit 0

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
if [ "${missing% HEADERS}" != "$missing" ]; then
	missing=${missing% HEADERS}
	for package in $headers; do
		if apt-cache show "$package" >/dev/null 2>&1; then
			missing="$missing $package"
			break
		fi
	done
fi
# A second time when apt, to make room for one, has removed another that was
# there in a version of elsewhere.
for _ in first second; do
	[ -n "$missing" ] || break
	echo "Installing:$missing"
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y -qq --no-install-recommends $missing </dev/null
	missing=$(absent)
done
