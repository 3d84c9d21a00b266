//! What only a whole machine has: a stock kernel with AppArmor, VLANs, quotas and nothing but cgroup v2, and systemd with
//! its services. `make test-vm` brings one; elsewhere these say what they lack.

mod apparmor;
mod cgroup2;
mod network;
mod quota;
mod services;
mod storages;
