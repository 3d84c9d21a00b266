//! The password of root (spec: guest set-up, part 7.6).

use rustix::rand::{GetRandomFlags, getrandom};
use sha_crypt::{CustomizedPasswordHasher, Params, ShaCrypt};

use crate::{
    guest::{
        Setup,
        error::{Error, Result},
        text::{lines, unlines},
    },
    rootfs::Attributes,
};

const PASSWD: &str = "/etc/passwd";
const SHADOW: &str = "/etc/shadow";
/// What no password hashes to.
const LOCKED: &str = "*";
const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Sets root's password, or locks it if there is none.
pub(crate) fn set(setup: &mut Setup<'_>, password: Option<&str>) -> Result<()> {
    let root = setup.root;
    let Some(passwd) = root.read(PASSWD)? else {
        return Ok(());
    };
    let hash = match password {
        None => LOCKED.to_owned(),
        Some(hash) if is_hash(hash) => hash.to_owned(),
        Some(plain) => hashed(plain)?,
    };
    let in_passwd = if let Some(shadow) = root.read(SHADOW)? {
        let today = (setup.host.now / SECONDS_PER_DAY).to_string();
        root.replace(SHADOW, &with_fields(&shadow, &[&hash, &today]), Attributes::UNCHANGED)?;
        "x"
    } else {
        &hash
    };
    root.replace(PASSWD, &with_fields(&passwd, &[in_passwd]), Attributes::UNCHANGED)?;
    Ok(())
}

/// The file with the fields after the name replaced in root's line; all else stays as it is, byte by byte.
fn with_fields(file: &[u8], values: &[&str]) -> Vec<u8> {
    let mut out = unlines(lines(file).map(|line| {
        let mut fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        if fields[0] == b"root" && fields.len() > values.len() {
            for (field, value) in fields[1..].iter_mut().zip(values) {
                *field = value.as_bytes();
            }
        }
        fields.join(&b':')
    }));
    if !file.ends_with(b"\n") {
        out.pop();
    }
    out
}

/// Whether a value is a hash already: `$id$salt$hash` of a kind that crypt(5) knows.
fn is_hash(value: &str) -> bool {
    let is_text = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/'));
    let mut parts = value.split('$');
    let shape = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(""), Some(id), Some(salt), Some(hash), None) = shape else {
        return false;
    };
    matches!(id, "1" | "2" | "2a" | "2x" | "2y" | "5" | "6")
        && (1..=16).contains(&salt.len())
        && is_text(salt)
        && !hash.is_empty()
        && is_text(hash)
}

/// SHA-512 crypt(5) with a random salt.
fn hashed(plain: &str) -> Result<String> {
    // Six bytes are eight characters of salt.
    let mut salt = [0; 6];
    getrandom(&mut salt, GetRandomFlags::empty()).map_err(|errno| Error::Random(errno.into()))?;
    let rounds = Params::default();
    let hash = ShaCrypt::SHA512.hash_password_customized(plain.as_bytes(), &salt, None, None, rounds);
    let hash = hash.map_err(|_| Error::Hash)?;
    // 5000 rounds go without saying, and old crypt(3) only knows the short form.
    Ok(hash.as_str().replacen("rounds=5000$", "", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_told_from_passwords() {
        for hash in ["$5$SALT$PASS", "$6$a./B$x", "$1$a$b", "$2y$10$abc./"] {
            assert!(is_hash(hash), "{hash}");
        }
        for plain in [
            "",
            "secret",
            "$6$a",
            "$6$$x",
            "$6$a$",
            "$7$a$b",
            "$6$a$b$c",
            "$6$a$b:c",
            "$6$12345678901234567$x",
        ] {
            assert!(!is_hash(plain), "{plain}");
        }
    }

    #[test]
    fn a_plain_password_becomes_a_hash_that_crypt_accepts() {
        let hash = hashed("plain pässwörd").unwrap();
        let parts: Vec<&str> = hash.split('$').collect();
        assert_eq!((parts[1], parts[2].len(), parts[3].len()), ("6", 8, 86), "{hash}");
        assert!(is_hash(&hash));
        assert_ne!(hashed("plain pässwörd").unwrap(), hash, "the salt is random");
        use sha_crypt::PasswordVerifier;
        ShaCrypt::SHA512.verify_password("plain pässwörd".as_bytes(), &*hash).unwrap();
        assert!(ShaCrypt::SHA512.verify_password(b"wrong", &*hash).is_err());
    }

    #[test]
    fn only_roots_fields_change() {
        let shadow = b"root:*:17000:0:99999:7:::\nrooted:*:1::\nr\xf6\xf6t:x:1";
        let expected = b"root:H:20000:0:99999:7:::\nrooted:*:1::\nr\xf6\xf6t:x:1";
        assert_eq!(with_fields(shadow, &["H", "20000"]), expected);
        assert_eq!(with_fields(b"root:x:0:0:r:/root:/bin/sh\n", &["x"]), b"root:x:0:0:r:/root:/bin/sh\n");
        assert_eq!(with_fields(b"", &["x"]), b"");
    }
}
