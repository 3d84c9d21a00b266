//! The descriptor over which a seccomp profile asks somebody.

use std::fs;
use std::os::fd::AsFd;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

use super::guest::{Guest, open_to_all};

#[test]
fn the_seccomp_listener_is_owned_and_close_on_exec() {
    let Some(mut guest) = Guest::new("") else { return };
    open_to_all(guest.folder.path());
    assert!(guest.container().seccomp_listener().is_err());
    let (profile, proxy) = (guest.folder.path().join("profile"), guest.folder.path().join("proxy"));
    fs::write(&profile, "2\ndenylist\n[all]\nmknod notify\n").unwrap();
    let listener = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    rustix::net::bind(&listener, &SocketAddrUnix::new(&proxy).unwrap()).unwrap();
    rustix::net::listen(&listener, 4).unwrap();
    let lines = format!(
        "lxc.seccomp.profile = {}\nlxc.seccomp.notify.proxy = unix:{}\n",
        profile.display(),
        proxy.display()
    );
    guest.configure(&lines);
    guest.start();
    let container = guest.container();
    let listener = container.seccomp_listener().unwrap();
    assert!(rustix::io::fcntl_getfd(listener.as_fd()).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    let name =
        fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&listener))).unwrap();
    assert!(name.to_string_lossy().contains("seccomp"), "{name:?}");
    // Only the monitor has one in its handle.
    assert!(container.own_seccomp_listener().unwrap().is_none());
}
