//! Raw bindings to the system liblxc.
