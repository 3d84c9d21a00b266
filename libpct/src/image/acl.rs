//! POSIX access control lists: from the text that archives hold to the binary value of the kernel's
//! `system.posix_acl_access` and `system.posix_acl_default` (acl(5); star(5), `SCHILY.acl.*`).

const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
const NO_ID: u32 = u32::MAX;

/// What became of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Acl {
    /// The value of the attribute; `None` if the list says no more than the mode does.
    pub(super) value: Option<Vec<u8>>,
    /// Entries that name a user or group without its number; nobody here could say who it is in there.
    pub(super) unresolved: usize,
}

/// Reads entries separated by commas or newlines: `user::rwx`, `user:1000:r-x`, `group:adm:r--:4` (the
/// number as a fourth field), `mask::r-x`, `other::---`, with `#` comments. `None`: not such a text.
pub(super) fn parse(text: &[u8]) -> Option<Acl> {
    let text = std::str::from_utf8(text).ok()?;
    let mut entries = Vec::new();
    let mut unresolved = 0;
    for line in text.split('\n') {
        let line = line.split('#').next().unwrap_or_default();
        for entry in line.split(',').map(str::trim).filter(|e| !e.is_empty()) {
            match parse_entry(entry)? {
                Some(entry) => entries.push(entry),
                None => unresolved += 1,
            }
        }
    }
    // The order the kernel wants is the order of tags, then ids.
    entries.sort_unstable();
    let has = |tag| entries.iter().any(|e: &(u16, u32, u16)| e.0 == tag);
    if !has(USER_OBJ) || !has(GROUP_OBJ) || !has(OTHER) {
        return if entries.is_empty() && unresolved == 0 {
            Some(Acl { value: None, unresolved })
        } else {
            None
        };
    }
    let extended = has(USER) || has(GROUP);
    if extended && !has(MASK) {
        let class = |e: &&(u16, u32, u16)| matches!(e.0, USER | GROUP_OBJ | GROUP);
        let mask = entries.iter().filter(class).fold(0, |all, e| all | e.2);
        entries.push((MASK, NO_ID, mask));
        entries.sort_unstable();
    }
    if entries.windows(2).any(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
        return None;
    }
    let mut value = 2_u32.to_le_bytes().to_vec();
    for (tag, id, perm) in entries {
        value.extend(tag.to_le_bytes());
        value.extend(perm.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    Some(Acl { value: Some(value), unresolved })
}

/// `(tag, id, permissions)`; inner `None`: a name without a number.
fn parse_entry(entry: &str) -> Option<Option<(u16, u32, u16)>> {
    let entry = entry.strip_prefix("default:").unwrap_or(entry);
    let mut fields = entry.split(':');
    let (tag, mut who, mut perm) = (fields.next()?, fields.next()?, fields.next());
    // `mask:rwx` and `other:rwx` are a short form.
    if perm.is_none() && matches!(tag, "mask" | "m" | "other" | "o") {
        (who, perm) = ("", Some(who));
    }
    let perm = permissions(perm?.trim())?;
    let number = fields.next().map(str::trim).filter(|n| !n.is_empty());
    let (object, named) = match tag.trim() {
        "user" | "u" => (USER_OBJ, USER),
        "group" | "g" => (GROUP_OBJ, GROUP),
        "mask" | "m" if who.is_empty() => return Some(Some((MASK, NO_ID, perm))),
        "other" | "o" if who.is_empty() => return Some(Some((OTHER, NO_ID, perm))),
        _ => return None,
    };
    if who.is_empty() {
        return Some(Some((object, NO_ID, perm)));
    }
    let id = number.unwrap_or(who);
    Some(id.parse().ok().filter(|&id: &u32| id != NO_ID).map(|id| (named, id, perm)))
}

fn permissions(text: &str) -> Option<u16> {
    // getfacl may add the effective rights behind a tab as a comment; that is cut already.
    if text.is_empty() || text.len() > 3 {
        return None;
    }
    text.bytes().try_fold(0, |all, b| match b {
        b'r' => Some(all | 4),
        b'w' => Some(all | 2),
        b'x' => Some(all | 1),
        b'-' => Some(all),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut out = vec![2, 0, 0, 0];
        for (tag, perm, id) in entries {
            out.extend([tag.to_le_bytes(), perm.to_le_bytes()].concat());
            out.extend(id.to_le_bytes());
        }
        out
    }

    #[test]
    fn text_becomes_the_kernels_form() {
        let want = bytes(&[
            (USER_OBJ, 7, NO_ID),
            (USER, 4, 5),
            (USER, 6, 1000),
            (GROUP_OBJ, 5, NO_ID),
            (GROUP, 1, 4),
            (MASK, 7, NO_ID),
            (OTHER, 0, NO_ID),
        ]);
        for text in [
            "user::rwx,user:1000:rw-,group:adm:--x:4,user:5:r--,group::r-x,mask::rwx,other::---",
            "user::rwx\nuser:joe:rw-:1000\t#effective:r--\ngroup:4:--x\nuser:5:r--\ngroup::r-x\nmask:rwx\nother:---\n",
            "u::rwx,u:1000:rw,u:5:r,g::rx,g:4:x,o::-,m::rwx",
        ] {
            assert_eq!(
                parse(text.as_bytes()),
                Some(Acl { value: Some(want.clone()), unresolved: 0 }),
                "{text}"
            );
        }
    }

    #[test]
    fn a_missing_mask_is_the_union_of_the_group_class() {
        let acl = parse(b"user::rwx,user:7:-w-,group::r--,other::---").unwrap();
        let want = [(1, 7, NO_ID), (2, 2, 7), (4, 4, NO_ID), (16, 6, NO_ID), (32, 0, NO_ID)];
        assert_eq!(acl.value, Some(bytes(&want)));
    }

    #[test]
    fn names_without_numbers_are_counted_and_left_out() {
        let acl = parse(b"user::rwx,user:joe:rwx,group::r--,mask::rwx,other::---").unwrap();
        assert_eq!(acl.unresolved, 1);
        assert_eq!(acl.value, Some(bytes(&[(1, 7, NO_ID), (4, 4, NO_ID), (16, 7, NO_ID), (32, 0, NO_ID)])));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "user::rwx",
            "user::rwx,group::rwx,other::rwz",
            "user::rwx,group::rwx,other::",
            "user::rwx,user::r--,group::rwx,other::rwx",
            "user::rwx,user:5:r--,user:5:rwx,group::rwx,other::rwx",
            "mask:5:rwx,user::rwx,group::rwx,other::rwx",
            "everyone@:rwx",
            "\u{0}",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(parse(b"\xff"), None);
        assert_eq!(parse(b""), Some(Acl { value: None, unresolved: 0 }));
        let unknown = parse(b"user::rwx,user:4294967295:r--,group::rwx,other::rwx").unwrap();
        assert_eq!(unknown.unresolved, 1);
    }
}
