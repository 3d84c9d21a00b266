//! Config items of a container.

use std::ffi::{CString, c_char, c_int};
use std::path::Path;

use super::container::{check_path, clear_errno, method};
use super::{Container, Error, Result, cbox};

impl Container {
    /// The value of a config item; `None` when it is not set.
    ///
    /// A key that can be given several times (`lxc.mount.entry`) has one line for each; the line break at
    /// the end that liblxc adds for some keys is dropped.
    pub fn config_item(&self, key: &str) -> Result<Option<String>> {
        let get = method!(self, get_config_item)?;
        let c_key = text("config key", key)?;
        // SAFETY: our reference, a C string, and a buffer of the length that is told.
        let value = read_all(|buffer, length| unsafe { get(self.raw(), c_key.as_ptr(), buffer, length) })
            .map_err(|code| self.key_error("get a config item of", key, code))?;
        Ok((!value.is_empty()).then_some(value))
    }

    /// The value in the running container, as it was started; `None` when it is not set.
    pub fn running_config_item(&self, key: &str) -> Result<Option<String>> {
        let get = method!(self, get_running_config_item)?;
        let c_key = text("config key", key)?;
        clear_errno();
        // SAFETY: our reference and a C string; the answer is malloc'ed for us.
        let value = unsafe { cbox::string(get(self.raw(), c_key.as_ptr())) };
        if let Some(value) = value {
            let value = String::from_utf8_lossy(&value).trim_end_matches('\n').to_owned();
            return Ok((!value.is_empty()).then_some(value));
        }
        match std::io::Error::last_os_error().raw_os_error() {
            // NULL without a reason is an item without a value.
            None | Some(0) => Ok(None),
            Some(libc::ECONNREFUSED) => Err(Error::NotRunning { container: self.name().to_owned() }),
            _ => Err(Error::call("get a running config item of", self.name(), 0)),
        }
    }

    /// The keys that can be set; with a prefix (`lxc.net.0`) those below it, without the prefix.
    pub fn config_keys(&self, prefix: Option<&str>) -> Result<Vec<String>> {
        let get = method!(self, get_keys)?;
        let c_prefix = prefix.map(|prefix| text("config key", prefix)).transpose()?;
        let pointer = c_prefix.as_ref().map_or(std::ptr::null(), |prefix| prefix.as_ptr());
        // SAFETY: our reference, NULL or a C string, and a buffer of the length that is told.
        let keys = read_all(|buffer, length| unsafe { get(self.raw(), pointer, buffer, length) })
            .map_err(|code| self.key_error("list the config keys of", prefix.unwrap_or_default(), code))?;
        Ok(keys.lines().map(str::to_owned).collect())
    }

    /// Sets an item. For a key that can be given several times this *adds* a value: clear it first if it is
    /// to be the only one. An empty value clears.
    ///
    /// # Errors
    /// Line breaks and NUL are refused: liblxc would write what follows one as a config line of its own.
    pub fn set_config_item(&mut self, key: &str, value: &str) -> Result<()> {
        let set = method!(self, set_config_item)?;
        let (c_key, c_value) = (text("config key", key)?, text("config value", value)?);
        // SAFETY: our reference and C strings that outlive the call; liblxc copies them.
        if unsafe { set(self.raw(), c_key.as_ptr(), c_value.as_ptr()) } {
            return Ok(());
        }
        let (key, value) = (key.to_owned(), value.to_owned());
        Err(if self.config_item(&key).is_err() {
            Error::UnknownKey { key }
        } else {
            Error::Value { key, value }
        })
    }

    /// Removes all values of an item.
    pub fn clear_config_item(&mut self, key: &str) -> Result<()> {
        let clear = method!(self, clear_config_item)?;
        let c_key = text("config key", key)?;
        // SAFETY: our reference and a C string that outlives the call.
        if unsafe { clear(self.raw(), c_key.as_ptr()) } {
            return Ok(());
        }
        Err(Error::UnknownKey { key: key.to_owned() })
    }

    /// Forgets the whole config of this handle; the file stays.
    pub fn clear_config(&mut self) -> Result<()> {
        let clear = method!(self, clear_config)?;
        // SAFETY: our reference.
        unsafe { clear(self.raw()) };
        Ok(())
    }

    /// Reads a config file on top of what is there; `None` is the container's own. The log says why not.
    pub fn load_config(&mut self, file: Option<&Path>) -> Result<()> {
        let load = method!(self, load_config)?;
        let file = file.map(check_path).transpose()?;
        clear_errno();
        // SAFETY: our reference, NULL or a C string that outlives the call.
        let done = unsafe { load(self.raw(), file.as_ref().map_or(std::ptr::null(), |file| file.as_ptr())) };
        if done { Ok(()) } else { Err(Error::call("load the config of", self.name(), 0)) }
    }

    /// Writes the config; `None` is the container's own file.
    pub fn save_config(&mut self, file: Option<&Path>) -> Result<()> {
        let save = method!(self, save_config)?;
        let file = file.map(check_path).transpose()?;
        clear_errno();
        // SAFETY: our reference, NULL or a C string that outlives the call.
        let done = unsafe { save(self.raw(), file.as_ref().map_or(std::ptr::null(), |file| file.as_ptr())) };
        if done { Ok(()) } else { Err(Error::call("save the config of", self.name(), 0)) }
    }

    fn key_error(&self, operation: &'static str, key: &str, code: c_int) -> Error {
        match code {
            code if code == -libc::EINVAL => Error::UnknownKey { key: key.to_owned() },
            code => Error::call(operation, self.name(), code.into()),
        }
    }
}

/// A text for C that also may stand in a config file.
pub(super) fn text(what: &'static str, text: &str) -> Result<CString> {
    let refused = || Error::Text { what, text: text.to_owned() };
    if text.contains(['\n', '\r']) {
        return Err(refused());
    }
    CString::new(text).map_err(|_| refused())
}

/// Asks for the length, then for the text: again while it grows in between.
///
/// With too small a buffer liblxc writes nothing for some keys and cuts the text for others, so only an
/// answer that leaves room for the NUL is taken (spec: liblxc-api, part 2.10).
pub(super) fn read_all(mut get: impl FnMut(*mut c_char, c_int) -> c_int) -> Result<String, c_int> {
    let mut needed = get(std::ptr::null_mut(), 0);
    loop {
        if needed < 0 {
            return Err(needed);
        }
        let length = needed.checked_add(1).ok_or(-libc::E2BIG)?;
        let mut buffer = vec![0u8; usize::try_from(length).map_err(|_| -libc::E2BIG)?];
        needed = get(buffer.as_mut_ptr().cast(), length);
        if (0..length).contains(&needed) {
            let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(buffer.len());
            return Ok(String::from_utf8_lossy(&buffer[..end]).trim_end_matches('\n').to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_one_longer_than_the_text_and_grows_with_it() {
        let mut answers = vec!["abc\ndefgh\n", "abc\n", ""];
        let value = read_all(|buffer, length| {
            let answer = if buffer.is_null() { answers.pop().unwrap_or_default() } else { "abc\ndefgh\n" };
            if !buffer.is_null() {
                for (index, byte) in answer.bytes().take(usize::try_from(length).unwrap() - 1).enumerate() {
                    // SAFETY: less than the length that was told.
                    unsafe { buffer.add(index).write(byte.cast_signed() as c_char) };
                }
            }
            c_int::try_from(answer.len()).unwrap()
        });
        assert_eq!(value.unwrap(), "abc\ndefgh");
        assert_eq!(read_all(|_, _| -22), Err(-22));
    }

    #[test]
    fn what_could_smuggle_in_a_line_is_refused() {
        for bad in ["a\nlxc.hook.start = /x", "a\r", "a\0b"] {
            assert!(matches!(text("config value", bad), Err(Error::Text { .. })), "{bad:?}");
        }
        assert!(text("config value", "u 0 100000 65536").is_ok());
    }
}
