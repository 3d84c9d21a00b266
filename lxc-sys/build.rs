//! Finds the system liblxc and, with the feature `bindgen`, binds its header.
//!
//! | environment | meaning |
//! |---|---|
//! | `PCT_LXC_LIB_DIR` | folder that holds `liblxc.so`; pkg-config is not asked |
//! | `PCT_LXC_INCLUDE_DIR` | folder that holds `lxc/lxccontainer.h` |
//!
//! Dependent build scripts read `DEP_LXC_INCLUDE` (folders, joined as in `PATH`) and `DEP_LXC_VERSION`.
// A build script speaks to cargo through its output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::{env, process};

/// Debian 12's; the layout is a prefix of every later one (spec: liblxc-api, part 1.2).
const OLDEST: &str = "5.0";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=wrapper.h");
    println!("cargo::rerun-if-env-changed=PCT_LXC_LIB_DIR");
    println!("cargo::rerun-if-env-changed=PCT_LXC_INCLUDE_DIR");
    println!("cargo::rerun-if-env-changed=DOCS_RS");
    // Set when the bindings have the members that 6.0.0 appended to `struct lxc_container`.
    println!("cargo::rustc-check-cfg=cfg(lxc_set_timeout)");
    // The same for `struct bdev_specs` and 6.0.6.
    println!("cargo::rustc-check-cfg=cfg(lxc_rbduser)");
    if env::var_os("DOCS_RS").is_some() {
        println!("cargo::rustc-cfg=lxc_set_timeout");
        println!("cargo::rustc-cfg=lxc_rbduser");
        return;
    }

    let include = find();
    if let Ok(folders) = env::join_paths(&include) {
        println!("cargo::metadata=include={}", folders.to_string_lossy());
    }
    bind(&include);
}

/// Says what to link and returns the include folders.
fn find() -> Vec<PathBuf> {
    let include = env::var_os("PCT_LXC_INCLUDE_DIR").map(PathBuf::from);
    if let Some(folder) = env::var_os("PCT_LXC_LIB_DIR") {
        println!("cargo::rustc-link-search=native={}", PathBuf::from(folder).display());
        println!("cargo::rustc-link-lib=dylib=lxc");
        return include.into_iter().collect();
    }
    match pkg_config::Config::new().atleast_version(OLDEST).probe("lxc") {
        Ok(library) => {
            println!("cargo::metadata=version={}", library.version);
            include.map_or(library.include_paths, |folder| vec![folder])
        }
        Err(error) => {
            eprintln!("{error}\n");
            eprintln!("liblxc {OLDEST} or newer with its development files is needed.");
            eprintln!("Debian, Ubuntu: apt-get install lxc-dev pkg-config");
            eprintln!(
                "Fedora: dnf install lxc-devel pkgconf; Arch: pacman -S lxc pkgconf; Alpine: apk add lxc-dev"
            );
            eprintln!(
                "Installed elsewhere: set PKG_CONFIG_PATH, or PCT_LXC_LIB_DIR and PCT_LXC_INCLUDE_DIR."
            );
            process::exit(1);
        }
    }
}

#[cfg(not(feature = "bindgen"))]
fn bind(_include: &[PathBuf]) {
    println!("cargo::rustc-cfg=lxc_set_timeout");
    println!("cargo::rustc-cfg=lxc_rbduser");
}

#[cfg(feature = "bindgen")]
fn bind(include: &[PathBuf]) {
    let bindings = bindgen::Builder::default()
        .header("wrapper.h")
        .clang_args(include.iter().map(|folder| format!("-I{}", folder.display())))
        .allowlist_function("lxc_.*|list_.*_containers")
        .allowlist_type("lxc_.*|bdev_specs|migrate_opts")
        .allowlist_var("LXC_.*|FEATURE_.*|MIGRATE_.*")
        // consts.rs has it with its real type.
        .blocklist_var("LXC_ATTACH_DETECT_PERSONALITY")
        // Only liblxc makes one, and it may be shorter than the header says.
        .no_copy("lxc_container")
        .no_debug("lxc_container")
        // The same on every target, unlike what bindgen would spell out for this one.
        .blocklist_type("(__)?(pid|uid|gid)_t")
        .raw_line("use libc::{gid_t, pid_t, uid_t};")
        .ctypes_prefix("::core::ffi")
        .use_core()
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .generate_comments(false)
        // Sizes are those of one target; tests/layout.rs asks the compiler of the build machine instead.
        .layout_tests(false)
        .disable_header_comment()
        .rust_edition(bindgen::RustEdition::Edition2024)
        .generate();
    let text = match bindings {
        Ok(bindings) => bindings.to_string(),
        Err(error) => {
            eprintln!("cannot bind the liblxc header: {error}");
            eprintln!("The feature `bindgen` needs libclang (Debian: apt-get install libclang-dev).");
            process::exit(1);
        }
    };
    if text.contains("pub set_timeout:") {
        println!("cargo::rustc-cfg=lxc_set_timeout");
    }
    if text.contains("pub rbduser:") {
        println!("cargo::rustc-cfg=lxc_rbduser");
    }
    let file = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("bindings.rs");
    if let Err(error) = std::fs::write(&file, text) {
        eprintln!("cannot write {}: {error}", file.display());
        process::exit(1);
    }
}
