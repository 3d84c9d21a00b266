#!/bin/sh
# Links the shared library out of the static one, with a symbol version for each function:
#
#     shared-library.sh LIBPCT.A OUTPUT
#
# The versions are those of include/libpct.symbols. The libpct.so that cargo links has none, and cannot: rustc
# gives the linker a version script without a name, and GNU ld takes no other one beside it, lld none for the same
# symbols.
set -eu

archive=${1:?usage: shared-library.sh LIBPCT.A OUTPUT}
output=${2:?usage: shared-library.sh LIBPCT.A OUTPUT}
top=$(cd "$(dirname "$0")/.." && pwd)

soname=$(sed -n 's/.*-soname,\(libpct\.so\.[0-9]*\).*/\1/p' "$top/libpct/build.rs")
# Without liblxc: only the helper calls it, and --no-undefined fails when that changes.
libraries=$(sed -n 's/^Libs\.private: -llxc //p' "$top/include/pct.pc.in")

# Whole under its name from the first moment: others may be linking it, too.
made=$(mktemp -d "$output.XXXXXX")
trap 'rm -rf "$made"' EXIT

# A node for each release, upon that of the release before; the first hides all else.
sort -k 2,2V -k 1,1 "$top/include/libpct.symbols" | awk '
	$2 != node {
		if (node) print end ";"
		end = node ? "} " node : "local: *; }"
		node = $2
		print node " { global:"
	}
	{ print $1 ";" }
	END { print end ";" }' >"$made/versions"

# shellcheck disable=SC2086 # flags are words
${CC:-cc} ${LDFLAGS:-} -shared -o "$made/library" -Wl,-soname,"$soname" -Wl,--version-script="$made/versions" \
	-Wl,--gc-sections -Wl,--no-undefined -Wl,--as-needed -Wl,-z,relro,-z,now -Wl,-O1 \
	-Wl,--whole-archive "$archive" -Wl,--no-whole-archive $libraries
mv "$made/library" "$output"
