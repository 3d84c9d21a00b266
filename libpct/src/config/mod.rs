//! The config language: values, property strings, keys, the file grammar, the model, the writer.
//!
//! [`Config::parse`] reads a file and never fails; [`Config::to_bytes`] writes it in canonical
//! form. In between, a [`Section`] holds every key with the text it has in the file, and typed
//! views ([`Section::nets`], [`Section::rootfs`] ...) parse that text on demand. [`keys::KEYS`] is
//! the one table that says which keys exist and what their values may be.
//!
//! ```
//! use pct::config::{Config, Vmid};
//!
//! let file = b"hostname: web1\nnet0: name=eth0,bridge=vmbr0,ip=192.0.2.7/24\nmine: kept\n";
//! let mut config = Config::parse(file, Vmid::new(101)?).config;
//! let nets = config.main().nets()?;
//! assert_eq!((nets.len(), nets[0].1.name.as_str()), (1, "eth0"));
//!
//! config.main_mut().set("memory", "2048");
//! let written = String::from_utf8(config.to_bytes()?)?;
//! assert!(written.contains("\nmemory: 2048\n") && written.contains("mine: kept\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod changes;
mod device;
mod display;
mod formats;
mod grammar;
mod idmap;
mod ip;
mod jsonschema;
pub mod keys;
mod lint;
mod mac;
mod model;
mod mountidmap;
mod mountpoint;
mod netif;
mod parse;
mod port;
pub mod props;
mod raw;
mod schema;
mod section;
mod size;
mod snaptree;
mod spelling;
mod startup;
pub mod text;
mod views;
mod vmid;
mod volume;
mod write;

pub use changes::{PendingKey, pending_deletions, pending_keys};
pub(crate) use device::NO_PATH;
pub use device::{Device, Features};
pub use display::{View, check_section, pct_config_lines, pct_pending_lines, view};
pub use formats::{Format, is_config_id, is_dns_name};
pub use idmap::{IdKind, IdMap, IdMapOverlap, IdRange, InvalidIdMap};
pub use ip::{InvalidIp4Config, InvalidIp6Config, Ip4Config, Ip6Config};
pub use jsonschema::{json_schema, key_schema};
pub use lint::{Finding, lint, remedies};
pub use mac::{InvalidMac, MacAddr};
pub use model::{Config, Parsed, digest};
pub use mountidmap::{InvalidMountIdMap, MountIdMap};
pub use mountpoint::{MountOption, MountPoint};
pub(crate) use netif::IpVersion;
pub use netif::NetIf;
pub use parse::{Diagnostic, Severity};
pub use port::InvalidPort;
pub(crate) use port::{Port, Rate};
pub(crate) use raw::renamed as renamed_raw_key;
#[cfg(test)]
pub(crate) use raw::{ACCEPTED as ACCEPTED_RAW_KEYS, RENAMED as RENAMED_RAW_KEYS};
pub use schema::{CheckError, Pattern, Schema, Structure, SubKeyError, Type};
pub use section::{RawLine, Section};
pub use size::{InvalidSize, Size};
pub use snaptree::{SnapshotNode, pct_listsnapshot_lines, snapshot_tree};
pub use spelling::Spelling;
pub use startup::{InvalidStartup, Startup};
pub use text::{parse_bool, split_list};
pub use views::PropertyError;
pub use vmid::{InvalidVmid, Vmid};
pub use volume::{InvalidVolumeId, VolumeId, VolumeRef, parse_new_volume};
pub use write::WriteError;

#[cfg(test)]
mod tests;
