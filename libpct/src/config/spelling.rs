use super::{
    keys::SubKey,
    props::{self, Printed, Properties},
    schema::{CheckError, SubKeyError},
};

/// How the sub-keys of a typed value were spelled when it was read.
///
/// `mtu=01500` and `gw6=FD00::1` mean the same as `1500` and `fd00::1`; printing
/// keeps what a user wrote as long as the value did not change. Two values that
/// differ only in spelling are equal. [`Spelling::default`] is right for values
/// made by a program.
#[derive(Clone, Debug, Default)]
pub struct Spelling(Box<str>);

impl PartialEq for Spelling {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A typed property string.
pub(super) trait Typed: Sized {
    /// The schema.
    fn keys(&self) -> &'static [SubKey];
    /// From checked sub-keys.
    fn from_properties(values: &Properties<'_>) -> Result<Self, CheckError>;
    /// The sub-keys as a program would write them.
    fn properties(&self) -> Printed;
    fn spelling_mut(&mut self) -> &mut Spelling;
    fn spelling(&self) -> &Spelling;
}

pub(super) fn parse<T: Typed>(keys: &'static [SubKey], text: &str) -> Result<T, CheckError> {
    let values = props::parse(keys, text)?;
    // A value is a slice of the text.
    let place = |key: &str| (values.get(key)?.as_ptr() as usize).checked_sub(text.as_ptr() as usize);
    let mut typed = T::from_properties(&values).map_err(|error| error.located(place))?;
    typed.spelling_mut().0 = text.into();
    Ok(typed)
}

/// The sub-keys, each as it was spelled unless its value changed.
pub(super) fn spelled<T: Typed>(typed: &T) -> Printed {
    let mut values = typed.properties();
    // A value that a program has made was never spelled.
    if let Ok(spelled) = props::parse(typed.keys(), &typed.spelling().0)
        && let Ok(original) = T::from_properties(&spelled)
    {
        let original = original.properties();
        for (key, text) in spelled.iter() {
            if original.get(key) == values.get(key) {
                values.insert(key, text.to_owned());
            }
        }
    }
    values
}

/// Prints in canonical order.
pub(super) fn print<T: Typed>(typed: &T) -> Result<String, CheckError> {
    props::print(typed.keys(), &spelled(typed))
}

/// Collects sub-keys; absent ones and switches that are off leave no trace.
#[derive(Default)]
pub(super) struct Collector(pub(super) Printed);

impl Collector {
    pub(super) fn some(&mut self, key: &'static str, value: Option<&impl ToString>) {
        self.0.extend(value.map(|value| (key, value.to_string())));
    }

    pub(super) fn flag(&mut self, key: &'static str, on: bool) {
        if on {
            self.0.insert(key, "1".to_owned());
        }
    }

    pub(super) fn choice(&mut self, key: &'static str, choice: Option<bool>) {
        self.0.extend(choice.map(|on| (key, if on { "1" } else { "0" }.to_owned())));
    }

    pub(super) fn list(&mut self, key: &'static str, items: &[impl ToString]) {
        if !items.is_empty() {
            let items: Vec<_> = items.iter().map(ToString::to_string).collect();
            self.0.insert(key, items.join(";"));
        }
    }
}

/// The typed value of a sub-key. One that passed its check but does not fit the type (a number beyond its range) is
/// an error.
pub(super) fn read<T: std::str::FromStr>(key: &str, text: &str) -> Result<Option<T>, CheckError> {
    text.parse().map(Some).map_err(|_| out_of_range(key, text))
}

/// As [`read`]: here a number beyond the range becomes infinite.
pub(super) fn read_number(key: &str, text: &str) -> Result<Option<f64>, CheckError> {
    read(key, text).and_then(|number| match number {
        Some(number) if f64::is_infinite(number) => Err(out_of_range(key, text)),
        _ => Ok(number),
    })
}

/// The value of a switch.
pub(super) fn is_on(text: &str) -> bool {
    text == "1"
}

/// The items of a list that is separated by semicolons.
pub(super) fn list<T: std::str::FromStr>(text: &str) -> Vec<T> {
    text.split(';').filter_map(|item| item.parse().ok()).collect()
}

fn out_of_range(key: &str, text: &str) -> CheckError {
    let reason = format!("'{text}' is out of range");
    CheckError::format_error(vec![SubKeyError { key: key.to_owned(), reason, at: None }])
}

/// `FromStr` and `Display` of a typed property string. What can't be printed
/// (a value with a comma) can't come from reading either.
macro_rules! property_string {
    ($type:ty, $keys:expr) => {
        impl std::str::FromStr for $type {
            type Err = $crate::config::CheckError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::config::spelling::parse($keys, text)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::config::spelling::print(self).map_err(|_| std::fmt::Error)?)
            }
        }
    };
}
pub(super) use property_string;
