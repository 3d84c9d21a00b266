//! libpct
pub mod config;
