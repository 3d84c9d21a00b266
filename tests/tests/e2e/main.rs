//! The main job on real containers, one theme a file.
//!
//! Everything here goes through the command line and looks at its output and at
//! what it did to the machine. busybox where milliseconds matter, Debian where
//! an init does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod all;
mod cleanup;
mod clone;
mod console;
mod create_destroy;
mod cycles;
mod doctor;
mod exec;
mod forbidden_programs;
mod guest_files;
mod hookscript;
mod host_dhcp;
mod hotplug_disk;
mod hotplug_net;
mod lifecycle;
mod limits;
mod locks;
mod lxc_config;
mod machine;
mod network;
mod push_pull;
mod reading_verbs;
mod repair;
mod rescan;
mod scripts;
mod security;
mod set;
mod snapshot;
mod start_errors;
mod storage;
mod suspend;
mod templates;
mod volume_stream;
mod volumes;
mod wait_ip;
