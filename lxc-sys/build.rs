//! Finds the system liblxc.
fn main() {
    pkg_config::Config::new().atleast_version("5.0").probe("lxc").unwrap();
}
