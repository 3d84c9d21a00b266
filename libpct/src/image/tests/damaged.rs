//! Archives damaged at random: never a panic, never anything outside of the root, never another tree
//! than the one that GNU tar makes.

use super::*;

/// A small archive with everything in it, links that lead out included.
fn sample(canary: &str) -> Vec<u8> {
    let map: &[(&str, &[u8])] =
        &[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"100000")];
    let mut sparse = b"3\n0\n512\n90000\n500\n100000\n0\n".to_vec();
    sparse.resize(512, 0);
    sparse.extend([b's'; 1012]);
    let mut old = Head::new(b'S', "old").block(512);
    old[386..410].copy_from_slice(b"00000002000\x0000000001000\0");
    old[410..434].copy_from_slice(b"00000010000\x0000000000000\0");
    old[483..495].copy_from_slice(b"00000010000\0");
    old[257..265].copy_from_slice(b"ustar  \0");
    sign(&mut old);
    Tar::default()
        .add(&Head::new(b'g', "g"), &record("comment", b"global"))
        .dir("./", "0000755")
        .dir("d", "0001777")
        .file("d/f", &[b'f'; 700])
        .symlink("out", "../canary")
        .symlink("abs", canary)
        .symlink("in", "d")
        .file("in/g", b"g")
        .hard_link("d/h", "d/f")
        .pax(&[
            ("mtime", b"5.5"),
            ("SCHILY.xattr.user.x", b"y"),
            ("SCHILY.acl.access", b"user::rwx,user:5:r--,group::r--,mask::r--,other::---"),
        ])
        .file("x", b"x")
        .long_name(&"long/".repeat(30))
        .dir("l", "0000700")
        .long_name(&format!("{}f", "long/".repeat(30)))
        .file("l", b"")
        .pax(map)
        .add(&Head::new(b'0', "sparse"), &sparse)
        .raw(&old)
        .raw(&[b'o'; 512])
        .add(&Head::new(b'6', "fifo"), b"")
        .file("last", b"last")
        .end()
}

#[test]
fn an_archive_cut_anywhere_is_an_error() {
    if !needs_root() {
        return;
    }
    let arena = Arena::fast();
    let whole = sample(&arena.canary());
    let marker = whole.len() - 1024;
    for cut in (0..=marker).step_by(512).chain([1, 511, 513, 5000, marker - 1, marker + 1]) {
        arena.reset();
        let error = arena.unpack(&whole[..cut], &Options::default()).unwrap_err();
        assert!(matches!(error, Error::UnexpectedEnd { .. }), "{cut}: {error:?}");
        assert!(error.to_string().contains("unexpected end"));
        let tolerant = Options { ignore_errors: true, ..Options::default() };
        assert_eq!(arena.unpack(&whole[..cut], &tolerant).unwrap().warnings.len(), 1);
    }
    arena.reset();
    let one_zero_block = arena.unpack(&whole[..marker + 512], &Options::default()).unwrap();
    assert_eq!(one_zero_block.entries, 15);
}

/// xorshift64*: the same bytes in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }
}

/// A few bytes, fields or blocks changed, mostly so that the checksums are right.
fn damaged(whole: &[u8], dice: &mut Dice) -> Vec<u8> {
    let words =
        [&b"../"[..], b"/", b"out/", b"abs/", b"in/", b"d", b"\0", b"\xff", b"out\0", b"x", b"99999999"];
    let mut data = whole.to_vec();
    for _ in 0..=dice.below(4) {
        let block = dice.below(data.len() / 512) * 512;
        match dice.below(6) {
            // One byte, anywhere; mostly in a header.
            0 => data[block + dice.below(512)] = dice.below(256) as u8,
            // The type, to one that means something.
            1 => data[block + 156] = b"0123456757LKxgSDVMNZ\0"[dice.below(21)],
            // A word into the name, the target, or anywhere.
            2 => {
                let word = words[dice.below(words.len())];
                let at = block + [0, 157, dice.below(400)][dice.below(3)];
                data[at..at + word.len()].copy_from_slice(word);
            }
            // The size.
            3 => {
                let size = [0, 1, 511, 512, 513, 1 << 20, 0o7777_7777][dice.below(7)];
                data[block + 124..block + 135].copy_from_slice(format!("{size:011o}").as_bytes());
            }
            // Two blocks change places.
            4 => {
                let other = dice.below(data.len() / 512) * 512;
                let (one, two) = (data[block..block + 512].to_vec(), data[other..other + 512].to_vec());
                data[block..block + 512].copy_from_slice(&two);
                data[other..other + 512].copy_from_slice(&one);
            }
            // A block is lost.
            _ => drop(data.drain(block..block + 512)),
        }
        // Mostly with a checksum that lets it pass.
        if dice.below(8) > 0 && data.len() > block + 512 && data[block + 257..block + 262] == *b"ustar" {
            let header: &mut [u8] = &mut data[block..block + 512];
            sign(header);
        }
    }
    data
}

#[test]
fn random_damage_never_panics_and_never_leaves_the_root() {
    if !needs_root() {
        return;
    }
    let arena = Arena::fast();
    let whole = sample(&arena.canary());
    let mut dice = Dice(0x5eed);
    let (mut good, mut bad) = (0, 0);
    for round in 0..3000 {
        let data = damaged(&whole, &mut dice);
        let options = Options {
            devices: false,
            ignore_errors: dice.below(2) == 0,
            skip_dev: dice.below(2) == 0,
            ..Options::default()
        };
        match unpack_bytes(&data, Compression::None, &arena.root(), &options) {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        }
        // The comparison is the expensive part.
        if round % 20 == 19 {
            arena.check();
        }
        if round % 10 == 9 {
            arena.reset();
        }
    }
    assert!(good > 300 && bad > 300, "{good} {bad}: the damage is not of the interesting kind");
}

#[test]
fn damaged_compressed_archives_never_panic() {
    if !needs_root() {
        return;
    }
    let arena = Arena::fast();
    let plain = sample(&arena.canary());
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("a.tar"), &plain).unwrap();
    let mut dice = Dice(7);
    for (program, suffix) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst"), ("bzip2", "bz2")] {
        run(program, &["-k", "-q", "a.tar"], scratch.path());
        let name = format!("a.tar.{suffix}");
        let whole = fs::read(scratch.path().join(&name)).unwrap();
        let compression = Compression::from_name(&name).unwrap();
        for _ in 0..100 {
            let mut data = whole.clone();
            for _ in 0..=dice.below(3) {
                let at = dice.below(data.len());
                data[at] = dice.below(256) as u8;
            }
            data.truncate(data.len() - dice.below(2) * dice.below(data.len()));
            let _ = unpack_bytes(&data, compression, &arena.root(), &Options::default());
        }
        arena.check();
        arena.reset();
    }
}

/// Programs that disagree about what an archive holds have been used to hide members (GNU tar
/// CVE-2026-5704 and others). Whatever both take without a word must be the same.
#[test]
fn what_gnu_tar_takes_as_well_is_the_same() {
    if !needs_root() {
        return;
    }
    let arena = Arena::fast();
    let whole = sample(&arena.canary());
    let mut dice = Dice(99);
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let archive = scratch.path().join("a.tar");
    let theirs = scratch.path().join("theirs");
    let mut compared = 0;
    for round in 0..400 {
        let data = damaged(&whole, &mut dice);
        arena.reset();
        let _ = fs::remove_dir_all(&theirs);
        fs::create_dir(&theirs).unwrap();
        let ours = unpack_bytes(&data, Compression::None, &arena.root(), &Options::default());
        if !ours.is_ok_and(|s| s.warnings.is_empty() && s.skipped_devices == 0) {
            continue;
        }
        fs::write(&archive, &data).unwrap();
        let output = Command::new("tar")
            .args(["-xpf", archive.to_str().unwrap(), "-C", theirs.to_str().unwrap()])
            .args(["--numeric-owner", "--sparse", "--acls", "--xattrs", "--skip-old-files"])
            .args(["--anchored", "--exclude", "./dev/*"])
            .output()
            .unwrap();
        if !output.status.success() || !output.stderr.is_empty() {
            continue;
        }
        compared += 1;
        let (ours, theirs) = (manifest(&arena.root()), manifest(&theirs));
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "round {round}");
        // Made-up parents have the time of now, and other modes.
        for (name, line) in theirs.iter().filter(|(_, line)| !line.starts_with('4')) {
            assert_eq!(&ours[name], line, "round {round}: {name}");
        }
    }
    assert!(compared > 20, "{compared}");
}
