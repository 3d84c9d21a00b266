#!/bin/sh
# Builds the packages, lets lintian look at them, and installs them in Debian 12
# and Debian 13, on this kernel:
#
#     deb.sh <repository>
#
# What happens there is told in inside.sh. The roots are made once, and copied.
set -eu

repository=$(cd "${1:?usage: deb.sh REPOSITORY}" && pwd)
cd "$repository"
target=$repository/target/deb
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

sh packaging/deb.sh .

printf '\n--- lintian\n'
lintian --fail-on error,warning --info --tag-display-limit 0 "$target"/pct_"$version"_*.changes
echo 'lintian: nothing to say'

root=$target/root
trap 'rm -rf --one-file-system "$root"' EXIT
for suite in bookworm trixie; do
	printf '\n--- %s\n' "$suite"
	sh tests/tiers/root.sh "$suite" "target/tiers/$suite"
	rm -rf --one-file-system "$root"
	cp -a --reflink=auto "target/tiers/$suite" "$root"
	mkdir "$root/packages"
	cp "$target"/*.deb "$root/packages"
	sh tests/tiers/enter.sh "$root" "$repository" sh tests/packaging/inside.sh /packages "$version"
done
printf '\nThe packages install, work, upgrade and go in Debian 12 and 13.\n'
