//! libpct
pub mod config;
pub mod exec;
pub mod mount;
pub mod sys;
