//! Numbers of the config in arithmetic. A kept text counts as its longest
//! numeric prefix, and the result is printed as the original prints it.

use crate::config::text::{is_truthy, numeric_prefix};

/// MiB from the config as bytes in text form, `factor` bytes for one.
pub(super) fn scaled(mib: &str, factor: i64) -> String {
    // Integers stay exact as long as they fit.
    match mib.parse::<i64>().ok().and_then(|mib| mib.checked_mul(factor)) {
        Some(bytes) => bytes.to_string(),
        // The factors are powers of two and small multiples, exact as floating point.
        #[allow(clippy::cast_precision_loss)]
        None => print(numeric_prefix(mib) * factor as f64),
    }
}

/// The text of a number key, with the default for an absent, empty, or zero one.
pub(super) fn or_default<'a>(text: Option<&'a str>, default: &'a str) -> &'a str {
    text.filter(|text| is_truthy(text)).unwrap_or(default)
}

/// A well-formed zero, such as `0`, `00`, or `0.0`.
pub(super) fn is_zero(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|number| number == 0.0)
}

/// At most 15 significant digits, without trailing zeros.
pub(super) fn print(number: f64) -> String {
    if !number.is_finite() {
        return "0".to_owned();
    }
    let scientific = format!("{number:.14e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..15).contains(&exponent) {
        let decimals = usize::try_from(14 - exponent).unwrap_or(0);
        trim(&format!("{number:.decimals$}"))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_and_others_are_short() {
        assert_eq!(scaled("512", 1 << 20), "536870912");
        assert_eq!(scaled("1.5", 1 << 20), "1572864");
        assert_eq!(scaled("1G", 1 << 20), "1048576");
        assert_eq!(scaled("abc", 1 << 20), "0");
        assert_eq!(scaled("-1", 1 << 20), "-1048576");
        assert_eq!(print(1_153_433.6), "1153433.6");
        assert_eq!(print(1.048_576e20), "1.048576e+20");
    }
}
