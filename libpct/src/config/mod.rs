//! The config language: values, property strings, keys, the file grammar, the model, the writer.

mod idmap;
mod vmid;

pub use idmap::{IdKind, IdMap, IdRange};
pub use vmid::{InvalidVmid, Vmid};
