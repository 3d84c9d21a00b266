//! DHCP by the host, for NICs with `host-managed=1` (spec: runtime, part 6.7): ISC's `dhclient`, in the network
//! namespace of the container and nowhere else of it.
//!
//! A helper goes into that namespace and starts it there. It stays in the control group of the container's monitor, and
//! ends with the container, or when somebody finds what a dead monitor has left. It goes to the background at once and
//! asks on until a server answers.

mod script;

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};
use serde::{Deserialize, Serialize};

use super::{Env, helper, plug};
use crate::{
    cgroup::{Groups, Layout},
    config::{IpVersion, Section, Vmid},
    error::Error,
    exec::{Command, find_program},
    home::{Home, ROOT_VARIABLE},
    mount,
    progress::Progress,
    sys::{self, folder, pidfd::Pidfd},
};

pub(crate) use script::{is_called as is_script, serve as serve_script};

const PROGRAM: &str = "dhclient";
const PACKAGE: &str = "isc-dhcp-client";

/// It goes to the background when its script has brought the link up.
const TIMEOUT: Duration = Duration::from_secs(20);
const FILE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long what is killed may take to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// The client of one NIC for one version of IP.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Client {
    vmid: Vmid,
    /// Of its process number and its leases.
    folder: PathBuf,
    /// The name inside.
    interface: String,
    ip: IpVersion,
    /// The helper, as dhclient's script.
    script: PathBuf,
}

/// What the helper does for a client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    Start(Client),
    Release(Client),
}

impl Client {
    pub(crate) fn new(env: &Env, vmid: Vmid, interface: &str, ip: IpVersion) -> Self {
        let folder = folder_of(env, vmid);
        Self { vmid, folder, interface: interface.to_owned(), ip, script: env.helper.clone() }
    }

    /// Starts it in the network of a running container, of which `init` is the init.
    pub(crate) fn start(self, env: &Env, init: BorrowedFd<'_>) -> Result<(), Error> {
        helper::dhcp(env, init, &Job::Start(self))
    }

    /// Ends it and gives its lease back, which takes the address off the NIC.
    pub(crate) fn release(self, env: &Env, init: BorrowedFd<'_>) -> Result<(), Error> {
        if self.end()? { helper::dhcp(env, init, &Job::Release(self)) } else { Ok(()) }
    }

    /// Ends it and leaves the NIC as it is. `false`: there was none.
    pub(crate) fn end(&self) -> Result<bool, Error> {
        end(&self.process_file())
    }

    /// It is in the background a moment before it says which process it is now.
    fn wait_for_process_file(&self) -> Result<(), Error> {
        let file = self.process_file();
        let deadline = Instant::now() + FILE_TIMEOUT;
        while fs::read_to_string(&file).map_or(true, |text| !text.ends_with('\n')) {
            if Instant::now() > deadline {
                return Err(Error::io("dhclient does not write", &file, io::ErrorKind::TimedOut));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn process_file(&self) -> PathBuf {
        self.folder.join(format!("dhclient{}-{}.pid", self.ip, self.interface))
    }

    fn leases(&self) -> PathBuf {
        self.folder.join(format!("dhclient{}-{}.leases", self.ip, self.interface))
    }

    fn dhclient(&self, mode: &str) -> Command {
        Command::new(PROGRAM)
            .package(PACKAGE)
            .args([mode, "-q", &format!("-{}", self.ip), "-e", &script::mark()])
            .arg("-sf")
            .arg(&self.script)
            .arg("-pf")
            .arg(self.process_file())
            .arg("-lf")
            .arg(self.leases())
            .arg(&self.interface)
            .timeout(TIMEOUT)
    }
}

impl Job {
    /// The helper's end: goes into the network of the process and does it. The name of the container goes with what is
    /// asked of a server.
    pub(super) fn run(self, process: BorrowedFd<'_>) -> Result<(), Error> {
        let (Self::Start(client) | Self::Release(client)) = &self;
        // It would be an option.
        if client.interface.starts_with('-') {
            return Err(Error::invalid("name", "name of the interface (it begins with '-')"));
        }
        Groups::new(&Layout::detect()?, client.vmid).join_monitor()?;
        folder::make(&client.folder, 0o700).map_err(|e| Error::io("cannot make", &client.folder, e))?;
        move_into_thread_name_spaces(
            process,
            ThreadNameSpaceType::NETWORK | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME,
        )
        .map_err(|errno| sys::Error::os("enter the container's network namespace", errno))?;
        let failed = |error| Error::Dhcp { interface: client.interface.clone(), source: Box::new(error) };
        match &self {
            Self::Start(client) => {
                client.end()?;
                client.dhclient("-nw").run().map_err(failed)?;
                client.wait_for_process_file()
            }
            // Its process has been ended: of the number of none in its file it would kill whoever has it now.
            Self::Release(client) => {
                client.dhclient("-r").run().map_err(failed)?;
                remove_file(&client.leases())
            }
        }
    }
}

/// Says before a start what its hook could tell nobody.
pub(crate) fn warn_if_missing(section: &Section, progress: &mut dyn Progress) -> Result<(), Error> {
    let is_wanted = section.nets()?.iter().any(|(_, net)| net.leased().next().is_some());
    if is_wanted && find_program(PROGRAM).is_none() {
        progress.warning(&format!(
            "DHCP failed - program '{PROGRAM}' is not installed: install package {PACKAGE}"
        ));
    }
    Ok(())
}

/// liblxc's hook, when the network is set up and the container's first program not yet executed. The arguments are the
/// version of IP and the interface, then liblxc's own: container, `lxc`, `start-host`. A container starts without
/// addresses, too: what fails is a line of the log of the start.
pub(crate) fn serve_hook(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    if let Err(reason) = start_by_hook(&words) {
        let text = format!("DHCP failed - {reason}");
        if let Err(error) = plug::log(words.get(2).map_or("", String::as_str), "dhcp", &text) {
            let _ = writeln!(io::stderr(), "{text}\n{error}");
        }
    }
    ExitCode::SUCCESS
}

fn start_by_hook(words: &[String]) -> Result<(), String> {
    let [ip, interface, vmid, ..] = words else { return Err("its arguments are missing".to_owned()) };
    let ip = if ip == "6" { IpVersion::V6 } else { IpVersion::V4 };
    let vmid = vmid.parse().map_err(|error| format!("'{vmid}': {error}"))?;
    let home = Home::detect(std::env::var_os(ROOT_VARIABLE).as_deref().map(Path::new));
    let home = home.map_err(|error| error.to_string())?;
    let helper = std::env::current_exe().map_err(|error| error.to_string())?;
    let env = Env { home, helper, listener: None };
    let init = std::env::var("LXC_PID").ok().and_then(|pid| pid.parse().ok());
    let init = init.map(Pidfd::open).transpose().map_err(|error| error.to_string())?.flatten();
    let init = init.ok_or("the container has no process")?;
    // What lives on must not keep the container's disks in use when its monitor is killed, nor what the host has mounted.
    let without =
        mount::enter_private_namespace().and_then(|()| mount::unmount_tree(&env.home.container_dir(vmid)));
    without.map_err(|error| Error::from(error).full_message())?;
    Job::Start(Client::new(&env, vmid, interface, ip)).run(init.as_fd()).map_err(|error| error.full_message())
}

fn folder_of(env: &Env, vmid: Vmid) -> PathBuf {
    env.home.container_dir(vmid).join("hook")
}

/// Ends every client of a container that has stopped, and removes what they have left.
pub(crate) fn end_all(env: &Env, vmid: Vmid) -> Result<(), Error> {
    let folder = folder_of(env, vmid);
    let failed = |source| Error::io("cannot remove", &folder, source);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let file = entry.map_err(failed)?.path();
        end(&file)?;
    }
    fs::remove_dir_all(&folder).map_err(failed)
}

/// Ends the client whose process number stands in a file, and removes the file. `false`: there is none.
fn end(process_file: &Path) -> Result<bool, Error> {
    let text = match fs::read_to_string(process_file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("cannot read", process_file, error)),
    };
    let process = text.trim().parse().ok().map(Pidfd::open).transpose()?.flatten();
    // Looked at after it was opened: what the number means now it means until the end.
    if let Some(process) = process.filter(|process| is_client(process.pid(), process_file)) {
        process.send(libc::SIGKILL)?;
        if !process.wait(Some(KILL_TIMEOUT))? {
            return Err(sys::Error::os("end a DHCP client", rustix::io::Errno::TIMEDOUT).into());
        }
    }
    remove_file(process_file)?;
    Ok(true)
}

/// Whether a process is the client that has written the file: it was told to on its command line, and is in our own
/// namespace of processes, where no guest can be.
fn is_client(pid: i32, process_file: &Path) -> bool {
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let told = line.split(|byte| *byte == 0).any(|word| word == process_file.as_os_str().as_bytes());
    told && namespace(&pid.to_string()).is_some_and(|theirs| Some(theirs) == namespace("self"))
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("cannot remove", path, error)),
        _ => Ok(()),
    }
}
