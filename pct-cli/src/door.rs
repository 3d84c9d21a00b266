//! The library, as this program sees it: nothing else in this package names it.

pub(crate) use pct::{
    Attach, Builder, Checkup, CloneOptions, ConfigView, Content, CopyOptions, CreateOptions,
    DeleteSnapshotOptions, DestroyOptions, Error, ErrorKind, ExportOptions, FsckOptions, FstrimOptions,
    Gravity, GuestEvent, GuestSetup, GuestSetupOptions, HostFile, ImportOptions, Interface, Leftover,
    Listing, LxcConfigOptions, MoveVolumeOptions, NewSize, Pct, Progress, ReassignOptions, RebootOptions,
    RepairOptions, RepairOutcome, RescanOptions, ResizeOptions, RollbackOptions, STORAGE_OPTIONS,
    ShutdownOptions, SnapshotOptions, StartAllOptions, StartOptions, Status, StopAllOptions, StopOptions,
    StorageOption, StorageStatus, StorageValue, StorageVolume, StreamFormat, Symptom, Usage, VolumeUsage,
    WaitFor,
    changes::Changes,
    config::{
        Config, Diagnostic, Finding, InvalidVmid, PendingKey, Severity, Vmid, VolumeId, is_config_id,
        is_dns_name, json_schema, key_schema, lint, pct_config_lines, pct_listsnapshot_lines,
        pct_pending_lines, pending_keys, remedies,
        text::{from_bytes, split_list, to_bytes},
    },
    facts::{CgroupLayout, HomeKind, HostFacts, Version},
    json, read_config_file, set_up_guest, storage_types,
};
