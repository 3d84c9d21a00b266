//! libpct
pub mod config;
pub mod exec;
pub mod image;
pub mod lxc;
pub mod mount;
pub mod sys;
