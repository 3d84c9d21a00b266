//! What is done to a guest, one concern a file; families choose (spec: guest set-up, part 7).

pub(crate) mod authorized_keys;
pub(crate) mod crontab;
pub(crate) mod dns;
pub(crate) mod getty;
pub(crate) mod host_keys;
pub(crate) mod hostname;
pub(crate) mod inittab;
pub(crate) mod locale;
pub(crate) mod lxc_name;
pub(crate) mod machine_id;
pub(crate) mod password;
pub(crate) mod preset;
pub(crate) mod securetty;
pub(crate) mod snakeoil;
pub(crate) mod timezone;
pub(crate) mod upstart;
