//! A template of 2 MB that boots in milliseconds: Debian's static busybox,
//! dressed as Alpine so that guest set-up knows what to write.
//!
//! What its init does with signals (busybox 1.35 and later, measured): SIGPWR,
//! which liblxc sends for a shutdown, and SIGUSR1 and SIGUSR2 halt it; SIGINT,
//! which liblxc sends for a reboot, runs the `ctrlaltdel` line; SIGTERM reboots.
//! Each takes 2 s, which init spends between its TERM and KILL to all processes.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use crate::archive::{Archive, Compression, Member};
use crate::{Run, bins};

/// Starts a shell on the first console without a password, networks by the
/// file that guest set-up writes, and stays.
const INITTAB: &str = "\
::sysinit:/etc/init.d/rcS
console::respawn:/sbin/getty -n -l /bin/sh 38400 console
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/true
";

const RCS: &str = "\
#!/bin/sh
# The name that guest set-up wrote is the one to show.
[ ! -e /etc/hostname ] || hostname -F /etc/hostname
# busybox's own ifup knows no address/prefix, which Alpine's has since 3.13.
ip link set lo up
[ ! -e /etc/network/interfaces ] || while read -r word a b c rest; do
	case $word in
	iface)
		name=$a family=$b
		[ $name = lo ] || ip link set $name up
		[ $b/$c != inet/dhcp ] || udhcpc -b -S -i $name -s /usr/share/udhcpc/default.script
		;;
	address)
		case $family in
		inet6) ip -6 addr add $a dev $name ;;
		*) ip addr add $a dev $name ;;
		esac
		;;
	gateway) ip route add default via $a dev $name ;;
	post-up) $a $b $c $rest ;;
	esac
done < /etc/network/interfaces
: > /run/booted
";

const UDHCPC: &str = "\
#!/bin/sh
case $1 in
deconfig) ip addr flush dev $interface; ip link set $interface up ;;
bound|renew)
	ip addr flush dev $interface
	ip addr add $ip/${mask:-24} dev $interface
	[ -z \"$router\" ] || ip route add default via ${router%% *}
	;;
esac
";

/// The parts of the tree that a test may want otherwise.
#[derive(Debug, Clone, Default)]
pub struct Busybox {
    /// Leave out `/sbin/init`.
    pub without_init: bool,
    /// Put an ELF header of this machine number before the shell.
    pub machine: Option<u8>,
    /// Folders and files to add at the end.
    pub extra: Vec<Member>,
}

impl Busybox {
    /// The tree as an archive.
    pub fn archive(&self) -> Archive {
        let program = program();
        let mut archive = Archive::default();
        for dir in
            ["", "bin", "sbin", "usr", "usr/bin", "usr/sbin", "usr/share", "usr/share/udhcpc", "dev", "proc"]
        {
            archive.add(Member::dir(&format!("./{dir}")));
        }
        for dir in ["sys", "run", "var", "var/lib", "etc", "etc/init.d", "etc/network", "etc/ssh", "mnt"] {
            archive.add(Member::dir(&format!("./{dir}")));
        }
        archive.add(Member::dir("./root").mode(0o700)).add(Member::dir("./tmp").mode(0o1777));
        archive.add(Member::file("./bin/busybox", &program).mode(0o755));
        for applet in applets().iter().filter(|a| !matches!(a.as_str(), "busybox" | "init" | "sh")) {
            archive.add(Member::symlink(&format!("./bin/{applet}"), "/bin/busybox"));
        }
        match self.machine {
            None => archive.add(Member::symlink("./bin/sh", "/bin/busybox")),
            Some(machine) => {
                let mut other = program[..4096].to_vec();
                other[18] = machine;
                archive.add(Member::file("./bin/sh", &other).mode(0o755));
                archive.add(Member::file("./sbin/init", &other).mode(0o755))
            }
        };
        for applet in ["getty", "reboot", "poweroff", "halt", "ip", "udhcpc"] {
            archive.add(Member::symlink(&format!("./sbin/{applet}"), "/bin/busybox"));
        }
        if !self.without_init && self.machine.is_none() {
            archive.add(Member::symlink("./sbin/init", "/bin/busybox"));
        }
        archive.add(Member::file("./etc/inittab", INITTAB));
        archive.add(Member::file("./etc/init.d/rcS", RCS).mode(0o755));
        archive.add(Member::file("./usr/share/udhcpc/default.script", UDHCPC).mode(0o755));
        archive.add(Member::file(
            "./etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
        ));
        archive
            .add(Member::file("./etc/shadow", "root:*::0:::::\nnobody:!::0:::::\n").mode(0o640).owner(0, 42));
        archive.add(Member::file("./etc/group", "root:x:0:root\nshadow:x:42:\nnobody:x:65534:\n"));
        archive.add(Member::file("./etc/alpine-release", "3.19.1\n"));
        archive
            .add(Member::file("./etc/os-release", "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.19.1\n"));
        archive.add(Member::file("./etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n"));
        archive.add(Member::file("./etc/profile", "export PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"));
        for member in &self.extra {
            archive.add(member.clone());
        }
        archive
    }
}

/// The plain template, made once a process.
pub fn template(compression: Compression) -> PathBuf {
    static MADE: OnceLock<Mutex<HashMap<Compression, PathBuf>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().expect("no panic in between");
    made.entry(compression)
        .or_insert_with(|| {
            let dir = bins::target_dir().join("templates");
            fs::create_dir_all(&dir).expect("a folder for templates");
            let path = dir.join(format!("alpine-busybox{}", compression.suffix()));
            let part = dir.join(format!("part-{}{}", std::process::id(), compression.suffix()));
            Busybox::default().archive().write(&part);
            fs::rename(&part, &path).expect("put a template in place");
            path
        })
        .clone()
}

fn program() -> Vec<u8> {
    let program = fs::read("/bin/busybox").expect("/bin/busybox: apt-get install busybox-static");
    let loader = b"/ld-linux";
    assert!(
        !program[..program.len().min(4096)].windows(loader.len()).any(|w| w == loader),
        "/bin/busybox is not static: apt-get install busybox-static"
    );
    program
}

fn applets() -> Vec<String> {
    Run::new("/bin/busybox").args(["--list"]).ok().out().lines().map(str::to_owned).collect()
}
