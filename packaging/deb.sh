#!/bin/sh
# Builds the Debian packages of what is in the repository, into target/deb:
#
#     deb.sh <repository>
#
# Their version is that of Cargo.toml; those of another one are removed there.
# debhelper does the work, by packaging/debian/rules, in a folder of its own:
# nothing is written beside the sources. Cargo takes the crates that it has fetched before; the toolchain
# is the one in the PATH, because that of Debian 12 and 13 is too old.
set -eu

repository=${1:?usage: deb.sh REPOSITORY}
TOP=$(cd "$repository" && pwd)
# debhelper moves HOME, under which rustup has its programs.
CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export TOP CARGO_HOME RUSTUP_HOME

version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$TOP/Cargo.toml")
maintainer=$(sed -n 's/^Maintainer: //p' "$TOP/packaging/debian/control")
# The same sources make the same packages, on whatever day.
time=$(git -C "$TOP" log -1 --format=%ct 2>/dev/null) || time=$(stat -c %Y "$TOP/Cargo.toml")

work=$TOP/target/deb/work
rm -rf "$work" "$TOP"/target/deb/*_*
mkdir -p "$work"
cp -R "$TOP/packaging/debian" "$work/debian"
cat >"$work/debian/changelog" <<TEXT
pct ($version) unstable; urgency=medium

  * Built from the sources of this version; what is new in it is told in
    changelog.gz.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$time")
TEXT
cd "$work"
# The toolchain may be no package.
dpkg-buildpackage --build=binary --no-sign --no-check-builddeps
