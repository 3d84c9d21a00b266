//! How the option structs are filled: `StartOptions::default().debug(true)`.

/// A method for each field, of its name. They are why the structs can be `non_exhaustive`, so that a later release can add
/// fields. A field that holds a text or nothing takes whatever becomes a text.
macro_rules! setters {
    ($options:ident { $($field:ident: $type:ty),* } $(texts { $($text:ident),+ })?) => {
        impl $options {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](#structfield.", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, value: impl Into<$type>) -> Self {
                    self.$field = value.into();
                    self
                }
            )*
            $($(
                #[doc = concat!("Sets [`", stringify!($text), "`](#structfield.", stringify!($text), ").")]
                #[must_use]
                pub fn $text(mut self, value: impl Into<String>) -> Self {
                    self.$text = Some(value.into());
                    self
                }
            )+)?
        }
    };
}
pub(super) use setters;
