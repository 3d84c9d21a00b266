//! Any text as a property string: reading returns, and what a typed value prints means the same and prints the
//! same again. The first byte chooses the schema.

#![no_main]

use std::fmt::{Debug, Display};

use libfuzzer_sys::fuzz_target;
use pct::config::{CheckError, Device, Features, MountPoint, NetIf, Spelling, keys, props, text};

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let text = &*text::from_bytes(bytes);
    match choice % 6 {
        0 => stays(text, keys::NET, str::parse, |net: &mut NetIf| &mut net.spelling),
        1 => stays(text, keys::MOUNT_POINT, MountPoint::parse_mp, |mp| &mut mp.spelling),
        2 => stays(text, keys::ROOTFS, MountPoint::parse_rootfs, |mp| &mut mp.spelling),
        3 => stays(text, keys::DEVICE, str::parse, |device: &mut Device| &mut device.spelling),
        4 => stays(text, keys::FEATURES, str::parse, |features: &mut Features| &mut features.spelling),
        // No type of its own: a volume and nothing else.
        _ => drop(props::parse(keys::UNUSED, text)),
    }
});

fn stays<T: Clone + Debug + Display + PartialEq>(
    text: &str,
    keys: &'static [keys::SubKey],
    parse: fn(&str) -> Result<T, CheckError>,
    spelling: fn(&mut T) -> &mut Spelling,
) {
    let checked = props::parse(keys, text);
    let Ok(value) = parse(text) else { return };
    let checked = checked.expect("a typed value has been checked");
    assert!(checked.iter().all(|(name, _)| keys.iter().any(|key| key.name == name)));
    // As it was written, and as a program would write it.
    let mut made = value.clone();
    *spelling(&mut made) = Spelling::default();
    for printed in [value.to_string(), made.to_string()] {
        let again = parse(&printed).unwrap_or_else(|error| panic!("{text:?} prints {printed:?}: {error}"));
        assert_eq!(again, value, "{text:?} prints {printed:?}");
        assert_eq!(again.to_string(), printed, "{text:?}");
    }
}
