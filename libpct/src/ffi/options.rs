//! Reading the option structs of any release.

use std::{
    ffi::c_int,
    mem::{MaybeUninit, align_of, size_of},
    ptr, slice,
};

use super::{
    error::Fault,
    status::{PCT_E_STRUCT, PCT_E_TOO_BIG},
};

/// No option struct will ever be as large: a greater size is a member that was never set.
const LARGEST: usize = 4096;

/// A struct of C that begins with its size.
///
/// # Safety
/// Implementors are `repr(C)`, begin with a `usize`, are valid with all bytes zero, have a size that is a
/// multiple of that of `usize`, and no padding: what a caller leaves there would become the value of a
/// later release's member.
pub(super) unsafe trait Options: Copy {
    /// Its name in C.
    const NAME: &'static str;

    /// The member that a later release may give a meaning, if it has one.
    fn reserved(&self) -> c_int;
}

/// Implements [`Options`] after checking what the compiler can check. Behind a semicolon stands the reserved member.
macro_rules! options {
    ($($name:ident { $($member:ident),+ $(,)? $(; $reserved:ident)? })+) => { $(
        const _: () = {
            const fn size<T>(_: *const T) -> usize {
                size_of::<T>()
            }
            const fn sum(given: $name) -> usize {
                let $name { $($member,)+ $($reserved)? } = &given;
                0 $(+ size(::std::ptr::from_ref($member)))+ $(+ size(::std::ptr::from_ref($reserved)))?
            }
            // SAFETY: all bytes zero is a value: that is what the trait asks for.
            let members = sum(unsafe { ::std::mem::zeroed() });
            assert!(members == size_of::<$name>(), "an option struct has padding");
            assert!(size_of::<$name>() % size_of::<usize>() == 0);
            assert!(::std::mem::offset_of!($name, struct_size) == 0);
        };
        // SAFETY: checked above; its members are numbers and pointers.
        unsafe impl $crate::ffi::options::Options for $name {
            const NAME: &'static str = stringify!($name);

            fn reserved(&self) -> ::std::ffi::c_int {
                0 $(+ self.$reserved)?
            }
        }
    )+ };
}
pub(super) use options;

/// The options that a caller gives. NULL is all zero.
///
/// # Safety
/// `given` is NULL or points to as many readable bytes as its first member says.
pub(super) unsafe fn read<T: Options>(given: *const T) -> Result<T, Fault> {
    let what = T::NAME;
    let mut options = MaybeUninit::<T>::zeroed();
    if !given.is_null() {
        let bytes = given.cast::<u8>();
        // SAFETY: every option struct begins with its size; a binding may have it at any address.
        let size = unsafe { given.cast::<usize>().read_unaligned() };
        check_size(size, what)?;
        if size > size_of::<T>() {
            // SAFETY: the struct goes to `size`, as the caller says.
            let tail = unsafe { slice::from_raw_parts(bytes.add(size_of::<T>()), size - size_of::<T>()) };
            if tail.iter().any(|byte| *byte != 0) {
                let text = format!("{what} has values that this release does not know");
                return Err(Fault::new(PCT_E_TOO_BIG, text));
            }
        }
        // SAFETY: both go at least that far, and one of them is a local variable.
        unsafe {
            ptr::copy_nonoverlapping(bytes, options.as_mut_ptr().cast::<u8>(), size.min(size_of::<T>()));
        }
    }
    // SAFETY: zero is valid for all members, and what C has put over it are numbers and pointers.
    let options = unsafe { options.assume_init() };
    match options.reserved() {
        0 => Ok(options),
        value => Err(Fault::new(PCT_E_STRUCT, format!("{what}: reserved is {value} instead of 0"))),
    }
}

/// Fills a struct that a caller gives, as far as it goes; all of it that this release does not know is zero.
///
/// # Safety
/// `target` is NULL or points to as many writable bytes as its first member says.
pub(super) unsafe fn fill<T: Options>(target: *mut T, value: &T, what: &str) -> Result<(), Fault> {
    if target.is_null() {
        return Err(Fault::null(what));
    }
    let bytes = target.cast::<u8>();
    // SAFETY: as in `read`.
    let size = unsafe { target.cast::<usize>().read_unaligned() };
    check_size(size, what)?;
    // SAFETY: both go at least that far; the size itself stays the caller's.
    unsafe {
        ptr::write_bytes(bytes.add(size_of::<usize>()), 0, size - size_of::<usize>());
        let members = ptr::from_ref(value).cast::<u8>().add(size_of::<usize>());
        let known = size.min(size_of::<T>()) - size_of::<usize>();
        ptr::copy_nonoverlapping(members, bytes.add(size_of::<usize>()), known);
    }
    Ok(())
}

fn check_size(size: usize, what: &str) -> Result<(), Fault> {
    let reason = if size == 0 {
        "struct_size is not set".to_owned()
    } else if size > LARGEST || !size.is_multiple_of(align_of::<usize>()) {
        format!("struct_size is {size}, which no release has")
    } else {
        return Ok(());
    };
    Err(Fault::new(PCT_E_STRUCT, format!("{what}: {reason}")))
}
