//! The library as programs in C find it, and a compiler for them.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{Run, bins, generated::repository};

/// What every program is compiled with.
pub const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-O1"];

/// A program of `tests/ffi`.
pub fn source(name: &str) -> PathBuf {
    repository().join("tests/ffi").join(name)
}

/// A built library.
pub fn library(name: &str) -> PathBuf {
    let path = bins::profile_dir().join(name);
    assert!(path.is_file(), "{} is missing: cargo build --workspace", path.display());
    path
}

/// A program of this machine, which must be there.
pub fn tool(name: &str) -> PathBuf {
    bins::tool(name).unwrap_or_else(|| panic!("{name} is not installed"))
}

/// The two forms in which a program can have the library.
#[derive(Clone, Copy)]
pub enum Library {
    /// `libpct.so.0`, loaded when the program starts, with symbol versions.
    Shared,
    /// `libpct.a`, a part of the program.
    Static,
}

/// The library as a package installs it, with `pct.pc` filled in.
pub struct Installed {
    dir: tempfile::TempDir,
}

impl Installed {
    /// In a folder of its own, which goes with it.
    pub fn new(kind: Library) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        for folder in ["include", "lib/pkgconfig"] {
            fs::create_dir_all(at(folder)).expect("a folder");
        }
        fs::copy(repository().join("include/pct.h"), at("include/pct.h")).expect("copy the header");
        let link = |from: &Path, name: &str| symlink(from, at("lib").join(name)).expect("a link");
        match kind {
            Library::Static => link(&library("libpct.a"), "libpct.a"),
            Library::Shared => {
                link(&bins::shared_library(), "libpct.so.0");
                link("libpct.so.0".as_ref(), "libpct.so");
            }
        }
        let template = fs::read_to_string(repository().join("include/pct.pc.in")).expect("read pct.pc.in");
        let prefix = dir.path().to_str().expect("a plain path");
        let filled = template
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                line.replace("@PREFIX@", prefix)
                    .replace("@LIBDIR@", "${prefix}/lib")
                    .replace("@INCLUDEDIR@", "${prefix}/include")
                    .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
                    + "\n"
            })
            .collect::<String>();
        assert!(!filled.contains('@'), "{filled}");
        fs::write(at("lib/pkgconfig/pct.pc"), filled).expect("write pct.pc");
        Self { dir }
    }

    /// Where the library is.
    pub fn library_dir(&self) -> PathBuf {
        self.dir.path().join("lib")
    }

    fn pkg_config(&self, args: &[&str]) -> Vec<String> {
        let path = self.library_dir().join("pkgconfig");
        let run = Run::new(tool("pkg-config")).args(args).args(["pct"]).env("PKG_CONFIG_PATH", path);
        run.ok().out().split_whitespace().map(str::to_owned).collect()
    }

    /// Compiles a program of `tests/ffi`, linked as pkg-config says.
    pub fn program(&self, name: &str, link: &[&str]) -> PathBuf {
        self.compile("gcc", &["-std=c11", "-D_GNU_SOURCE", "-g"], &source(name), link)
    }

    /// Compiles a program with options of its own. `link` is for pkg-config, with other packages that it needs.
    pub fn compile(&self, compiler: &str, options: &[&str], source: &Path, link: &[&str]) -> PathBuf {
        let program = self.dir.path().join(source.file_stem().expect("a file"));
        Run::new(tool(compiler))
            .args(STRICT)
            .args(options)
            .args([Path::new("-o"), &program, source])
            // What follows is no source.
            .args(["-x", "none"])
            .args(self.pkg_config(&["--cflags"]))
            .args(self.pkg_config(link))
            .ok()
            .quiet();
        program
    }

    /// A program with the shared library.
    pub fn run(&self, program: &Path) -> Run {
        Run::new(program).env("LD_LIBRARY_PATH", self.library_dir())
    }
}
