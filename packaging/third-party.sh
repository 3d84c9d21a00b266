#!/bin/sh
# Prints which crates of others are in the programs and libraries, and the
# licences that their authors ask to be passed on:
#
#     third-party.sh <repository>
#
# Needs no network: what was built is there.
set -eu
export LC_ALL=C

repository=${1:?usage: third-party.sh REPOSITORY}
crates=${CARGO_HOME:-$HOME/.cargo}/registry/src

cat <<'TEXT'
Programs and libraries of pct contain the standard library of Rust
(MIT OR Apache-2.0) and the following crates. The licence of each is named as in
its Cargo.toml; the files that it has about it are below.
TEXT

tree=$("${CARGO:-cargo}" tree --manifest-path "$repository/Cargo.toml" --locked -p libpct -p pct-cli \
	--edges normal --prefix none --no-dedupe --format '{p}|{l}|{r}')

# The path of a package of this repository stands in parentheses.
echo "$tree" | grep -v -e ' (/' -e '^$' | sed 's/ (proc-macro)//' | sort -u |
	while IFS='|' read -r crate licence origin; do
		name=${crate% v*}
		version=${crate##* v}
		set -- "$crates"/*/"$name-$version"
		[ -d "$1" ] || { echo "third-party.sh: the source of $crate is not in $crates" >&2; exit 1; }
		printf '\n%s\n%s %s: %s\n%s\n' \
			================================================================ "$name" "$version" "$licence" "$origin"
		find "$1" -maxdepth 2 -type f \
			\( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'copyright*' \) |
			sort | while read -r file; do
			case $licence:${file##*/} in
			# Of a choice, that which asks for less.
			*MIT*:*[Aa][Pp][Aa][Cc][Hh][Ee]*) continue ;;
			esac
			# Of files that are not compiled, or of another choice.
			! grep -qE 'GNU (LESSER )?GENERAL PUBLIC LICENSE' "$file" || continue
			printf '\n--- %s\n\n' "${file##*/}"
			cat "$file"
		done
	done
