//! What `make install` installs: which files, and that they work from there. `PCT_UPDATE=1` takes a new list over.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use pct_tests::archive::Compression;
use pct_tests::generated::{repository, up_to_date};
use pct_tests::{Host, Run, bins, busybox, require_root};

/// A folder into which it was installed, from the programs under test.
struct Installed(tempfile::TempDir);

impl Installed {
    fn new(prefix: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let set = |name: &str, path: &Path| format!("{name}={}", path.display());
        Run::new(tool("make"))
            .args(["-s", "install-built", &format!("PREFIX={prefix}")])
            .args([set("DESTDIR", dir.path()), set("BUILT", &bins::profile_dir())])
            .env_remove("MAKEFLAGS")
            .dir(repository())
            .ok()
            .quiet();
        Self(dir)
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// The names in a folder.
    fn names(&self, path: &str) -> BTreeSet<String> {
        names(&self.at(path))
    }

    /// All that is no folder, with its mode, or with what it leads to.
    fn list(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let shown = path.strip_prefix(self.0.path()).unwrap().display().to_string();
                let meta = entry.metadata().unwrap();
                if meta.is_dir() {
                    folders.push(path);
                } else if meta.is_symlink() {
                    found.push(format!("{shown} -> {}", fs::read_link(path).unwrap().display()));
                } else {
                    found.push(format!("{shown} {:o}", meta.permissions().mode() & 0o7777));
                }
            }
        }
        found
    }

    fn pkg_config(&self, args: &[&str]) -> Vec<String> {
        let run = Run::new(tool("pkg-config")).args(args).args(["pct"]);
        let run = run
            .env("PKG_CONFIG_SYSROOT_DIR", self.0.path())
            .env("PKG_CONFIG_PATH", self.at("usr/lib/pkgconfig"))
            .env("PKG_CONFIG_ALLOW_SYSTEM_CFLAGS", "1")
            .env("PKG_CONFIG_ALLOW_SYSTEM_LIBS", "1");
        run.ok().out().split_whitespace().map(str::to_owned).collect()
    }
}

fn tool(name: &str) -> PathBuf {
    bins::tool(name).unwrap_or_else(|| panic!("{name} is not installed"))
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_installed_files_are_those_of_the_list() {
    // Of these there is one more with each verb, or page.
    let many = [("man", "usr/share/man/man8/", ".8"), ("docs", "usr/share/doc/pct/docs/", ".md")];
    let installed = Installed::new("/usr");
    let mut list: BTreeSet<String> = installed.list().into_iter().collect();
    for (source, folder, suffix) in many {
        list.retain(|line| !(line.starts_with(folder) && line.ends_with(" 644")));
        list.insert(format!("{folder}*{suffix} 644"));
        let mut committed = names(&repository().join(source));
        committed.retain(|name| name.ends_with(suffix));
        // A second name of a page.
        committed.extend((source == "man").then(|| "pvesm.8".to_owned()));
        assert_eq!(installed.names(folder), committed);
    }
    let list: String =
        list.iter().map(|line| line.replace(env!("CARGO_PKG_VERSION"), "VERSION") + "\n").collect();
    up_to_date("tests/packaging/installed.txt", &list, "install-list");
}

#[test]
fn the_prefix_is_in_every_file_that_names_a_place() {
    let installed = Installed::new("/opt/pct");
    assert_eq!(installed.names(""), BTreeSet::from(["opt".to_owned()]));
    let unit = installed.text("opt/pct/lib/systemd/system/pct-startall.service");
    assert!(unit.contains("\nExecStop=/opt/pct/sbin/pct stopall\n") && !unit.contains("/usr/"), "{unit}");
    let config = installed.text("opt/pct/lib/pkgconfig/pct.pc");
    assert!(
        config.starts_with("prefix=/opt/pct\nlibdir=/opt/pct/lib\n") && !config.contains('@'),
        "{config}"
    );
    // The library is built with it.
    let show = "CARGO=sh -c 'echo $$PCT_LIBEXECDIR'";
    let built = format!("BUILT={}", bins::profile_dir().display());
    let build = Run::new(tool("make")).args(["-s", "programs", "PREFIX=/opt/pct", show, &built]);
    assert_eq!(build.env_remove("MAKEFLAGS").dir(repository()).ok().out(), "/opt/pct/libexec/pct\n");
}

#[test]
fn a_c_program_is_built_against_the_installed_library() {
    require_root!();
    let installed = Installed::new("/usr");
    assert_eq!(installed.pkg_config(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let program = installed.at("lifecycle");
    Run::new(tool("gcc"))
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([&program, &repository().join("examples/c/lifecycle.c")])
        .args(installed.pkg_config(&["--cflags", "--libs"]))
        .ok();
    let host = Host::new();
    let ct = host.ct();
    let template = busybox::template(Compression::Zstd);
    let helper = installed.at("usr/libexec/pct/pct-helper");
    let run = Run::new(&program)
        .args([Path::new(&ct.id), &template, host.root(), &helper])
        .env("LD_LIBRARY_PATH", installed.at("usr/lib"));
    assert!(run.ok().out().contains("inside: example\n"));
}

/// The main job. The helper is looked for in its own place, which the installed folder is laid over in a mount
/// namespace.
const JOB: &str = r#"
mount -t overlay overlay -o "lowerdir=$1/usr/libexec:/usr/libexec" /usr/libexec
PATH=$1/usr/sbin:$PATH
pct create "$2" "$3" --rootfs local:0 --hostname installed
pct start "$2"
pvesm list local --vmid "$2"
pvesm help list
pct exec "$2" -- hostname
pct stop "$2"
pct destroy "$2"
"#;

#[test]
fn the_installed_program_finds_its_helper_and_runs_a_container() {
    require_root!();
    let (installed, host) = (Installed::new("/usr"), Host::new());
    let ct = host.ct();
    let template = busybox::template(Compression::Zstd);
    let run = Run::new(tool("unshare"))
        .args(["--mount", "--propagation", "private", "sh", "-ec", JOB, "sh"])
        .args([installed.0.path(), Path::new(&ct.id), &template])
        .env("PCT_ROOT", host.root());
    let out = run.ok().out();
    assert!(out.contains("\ninstalled\n"), "{out}");
    assert!(out.contains("\nUSAGE: pct storage <action> "), "{out}");
    assert!(out.contains(&format!("\nlocal:{0}/subvol-{0}-disk-0.subvol subvol  rootdir ", ct.id)), "{out}");
    assert!(!ct.conf().exists());
}
