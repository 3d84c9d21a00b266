//! Crontabs: containers of one template shall not all work in the same minute (spec: guest set-up, part 7.10).

use rustix::rand::{GetRandomFlags, getrandom};

use crate::{
    guest::{
        Setup,
        error::{Error, Result},
        text::{lines, split_digits, unlines, words},
    },
    rootfs::Attributes,
};

/// Minutes are drawn below this: 0 to 58.
const MINUTES: u8 = 59;
/// Files that are looked at. A hostile template has more, to have a few bytes become gigabytes.
const MOST: usize = 256;

/// Gives each of root's jobs a minute of its own.
pub(crate) fn randomize(setup: &mut Setup<'_>) -> Result<()> {
    let is_name = |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let names = setup.root.list("/etc/cron.d")?.into_iter().filter(is_name).take(MOST);
    for path in ["/etc/crontab".to_owned()].into_iter().chain(names.map(|name| format!("/etc/cron.d/{name}")))
    {
        if let Some(old) = setup.root.read(&path)? {
            setup.root.replace(&path, &randomized(&old)?, Attributes::CONFIG)?;
        }
    }
    Ok(())
}

fn randomized(old: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for line in lines(old) {
        let (minute, rest) = split_digits(line);
        if minute.is_empty() || !is_job(line, rest) {
            out.push(line.to_vec());
        } else {
            out.push([self::minute()?.to_string().as_bytes(), rest].concat());
        }
    }
    Ok(unlines(out))
}

/// Whether a line that starts with digits is a job of root: five fields of time, the user, a command.
fn is_job(line: &[u8], after_minute: &[u8]) -> bool {
    let mut words = words(line).skip(5);
    after_minute.first().is_some_and(u8::is_ascii_whitespace)
        && words.next() == Some(b"root")
        && words.next().is_some()
}

fn minute() -> Result<u8> {
    // The bytes from 236 on would favour the first minutes.
    let mut byte = [u8::MAX];
    while byte[0] >= MINUTES * (u8::MAX / MINUTES) {
        getrandom(&mut byte, GetRandomFlags::empty()).map_err(|errno| Error::Random(errno.into()))?;
    }
    Ok(byte[0] % MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_minutes_of_roots_jobs_change() {
        let old = "SHELL=/bin/sh\n99 *\t* * *\troot    cd / && x\n*/5 * * * * root x\n99 3 * * * daemon x\n99 3 * * * root\n\n99,1 * * * * root x";
        let new = String::from_utf8(randomized(old.as_bytes()).unwrap()).unwrap();
        let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
        assert_eq!(old.len(), new.len());
        for (at, (old, new)) in old.iter().zip(&new).enumerate() {
            if at == 1 {
                let (minute, rest) = new.split_once(' ').unwrap();
                assert!(minute.parse::<u8>().unwrap() <= 58, "{new}");
                assert_eq!(rest, "*\t* * *\troot    cd / && x");
            } else {
                assert_eq!(old, new);
            }
        }
    }

    #[test]
    fn all_minutes_come_up() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            seen.insert(minute().unwrap());
        }
        assert_eq!(seen, (0..=58).collect());
    }
}
