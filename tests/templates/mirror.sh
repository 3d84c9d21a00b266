# Where this machine has Debian's packages from; to be read by other scripts:
#
#     . mirror.sh; suite=$(host_suite); mirror=$(host_mirror)

# The release of this machine.
host_suite() {
	(
		. /etc/os-release
		echo "${VERSION_CODENAME:?/etc/os-release names no release}"
	)
}

# The first source of Debian's own main archive: deb822 files first, then the
# one-line form. Both may be there, and other vendors' sources beside them.
sources() {
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		# One record a paragraph; print "URI suite" for each pair of it.
		awk -v RS= -F '\n' '{
			uris = ""; suites = ""
			for (i = 1; i <= NF; i++) {
				if ($i ~ /^URIs:/) { uris = $i; sub(/^URIs:[ \t]*/, "", uris) }
				if ($i ~ /^Suites:/) { suites = $i; sub(/^Suites:[ \t]*/, "", suites) }
			}
			n = split(uris, u, /[ \t]+/); m = split(suites, s, /[ \t]+/)
			for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) print u[i], s[j]
		}' "$file"
	done
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -e "$file" ] || continue
		sed -n 's/^[ \t]*deb[ \t]\{1,\}\(\[[^]]*\][ \t]*\)\{0,1\}\([^ \t]*\)[ \t]\{1,\}\([^ \t]*\)[ \t].*/\2 \3/p' "$file"
	done
}

# The mirror that it takes its own release from.
host_mirror() {
	suite=$(host_suite)
	mirror=$(sources | awk -v suite="$suite" '$2 == suite { sub(/\/$/, "", $1); print $1; exit }')
	if [ -z "$mirror" ]; then
		echo "no apt source for $suite on this machine" >&2
		return 1
	fi
	echo "$mirror"
}
