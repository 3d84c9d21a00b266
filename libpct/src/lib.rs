//! libpct
pub mod config;
pub mod exec;
pub mod facts;
pub mod guest;
pub mod image;
pub mod lxc;
pub mod mount;
pub mod net;
pub mod rootfs;
pub mod sys;
pub mod translate;
