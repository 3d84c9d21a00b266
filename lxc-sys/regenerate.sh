#!/bin/sh
# Writes src/bindings.rs anew from the headers of a liblxc release.
#   usage: lxc-sys/regenerate.sh <folder that holds lxc/lxccontainer.h>
# `lxc/version.h` must be the configured one, not version.h.in. Update the
# version after the plus sign in Cargo.toml and tests/layout.rs as well.
set -eu
[ -f "${1:?usage: $0 <include folder>}/lxc/lxccontainer.h" ] || { echo "no lxc/lxccontainer.h in $1" >&2; exit 1; }
include=$(cd "$1" && pwd)
cd "$(dirname "$0")"
out=$(PCT_LXC_INCLUDE_DIR=$include cargo check --quiet -p pct-lxc-sys --features bindgen --message-format=json |
    sed -n 's/.*"build-script-executed".*"out_dir":"\([^"]*pct-lxc-sys[^"]*\)".*/\1/p' | tail -n 1)
{
    echo "// Made by regenerate.sh from liblxc $(sed -n 's/^#define LXC_VERSION "\(.*\)"$/\1/p' "$include/lxc/version.h")."
    cat "$out/bindings.rs"
} | rustfmt --edition 2024 --config-path .. > src/bindings.rs
