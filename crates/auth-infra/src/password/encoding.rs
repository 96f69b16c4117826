//! The text encodings of stored hashes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// Programs differ in whether they write padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// Reads Base64 with or without padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Reads the Base64 of passlib, which has `.` for `+` and no padding.
pub(super) fn passlib_base64(text: &str) -> Option<Vec<u8>> {
    base64(&text.replace('.', "+"))
}

/// Reads Base64 in the standard or the URL-safe alphabet: the exports of Firebase have either.
pub(super) fn any_base64(text: &str) -> Option<Vec<u8>> {
    base64(&text.replace('-', "+").replace('_', "/"))
}

/// Reads hexadecimal digits of either case.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.len().is_multiple_of(2) && is_hexadecimal(text);
    let pairs = text.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<_>>().filter(|_| is_hex)
}

pub(super) fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Reads digits only. The parser of Rust accepts a plus sign too.
pub(super) fn number(text: &str) -> Option<u32> {
    Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

/// Reads `name=value` pairs with commas between them. There must be exactly the parameters `names`, in any order.
pub(super) fn parameters<const N: usize>(text: &str, names: [&str; N]) -> Option<[String; N]> {
    let pairs: Vec<_> = text.split(',').map(|pair| pair.split_once('=')).collect::<Option<_>>()?;
    let value = |name: &str| {
        let mut values = pairs.iter().filter(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        values.next().filter(|_| values.next().is_none())
    };
    let values = names.map(value);
    if pairs.len() != N || values.iter().any(Option::is_none) {
        return None;
    }
    Some(values.map(Option::unwrap_or_default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_and_without_padding() {
        for text in ["+/8=", "+/8"] {
            assert_eq!(base64(text), Some(vec![0xfb, 0xff]));
        }
        assert_eq!(passlib_base64("./8"), Some(vec![0xfb, 0xff]));
        assert_eq!(any_base64("-_8="), Some(vec![0xfb, 0xff]));
        assert_eq!(base64("a b"), None);
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(hex("00fFa0"), Some(vec![0, 0xff, 0xa0]));
        for text in ["0", "0g", "+1", "\u{e4}"] {
            assert_eq!(hex(text), None, "{text}");
        }
    }

    #[test]
    fn each_parameter_occurs_once_and_no_other_does() {
        let read = |text| parameters(text, ["a", "b"]).map(|[a, b]| a + &b);
        assert_eq!(read("a=1,b=2"), Some("12".to_owned()));
        assert_eq!(read("b=2,a=1"), Some("12".to_owned()));
        for text in ["a=1", "a=1,b=2,c=3", "a=1,a=1", "a=1,b=2,b=2", "a,b", ""] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!((number("007"), number("+7"), number("4294967296")), (Some(7), None, None));
    }
}
