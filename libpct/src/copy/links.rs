//! Files with several names: which have been copied, and under which name first.

use std::{collections::HashMap, ffi::CString, rc::Rc};

use rustix::fs::Stat;

use super::place::Place;

/// The name that a file was copied under.
pub(super) struct First {
    pub(super) place: Rc<Place>,
    pub(super) name: CString,
    /// How many more names it has.
    left: u64,
}

/// Holds only files that still have names to come.
#[derive(Default)]
pub(super) struct Links {
    first: HashMap<(u64, u64), First>,
}

impl Links {
    /// The copy that this is a further name of. Each name may be asked for once.
    pub(super) fn find(&mut self, stat: &Stat) -> Option<(Rc<Place>, CString)> {
        if stat.st_nlink < 2 {
            return None;
        }
        let key = (stat.st_dev, stat.st_ino);
        let first = self.first.get_mut(&key)?;
        first.left -= 1;
        if first.left > 0 {
            return Some((Rc::clone(&first.place), first.name.clone()));
        }
        self.first.remove(&key).map(|first| (first.place, first.name))
    }

    /// Notes what was copied, if it has more names.
    pub(super) fn note(&mut self, stat: &Stat, place: &Rc<Place>, name: CString) {
        let left = stat.st_nlink.saturating_sub(1);
        if left > 0 {
            self.first.insert((stat.st_dev, stat.st_ino), First { place: Rc::clone(place), name, left });
        }
    }
}
