//! libpct
pub mod config;
pub mod sys;
