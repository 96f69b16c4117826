//! Regular expressions of the OpenAPI documents, for rules that the domain checks character by character.
//!
//! They are in the dialect of JSON Schema, ECMA-262. They use only what the common engines read alike, with and without
//! the flag `u`: character classes, groups, repetition, anchors, and `\uXXXX`. No such class can contain a range of code
//! points above U+FFFF, so the patterns accept all of these.

/// White space and invisible characters up to U+FFFF: `White_Space`, `Default_Ignorable_Code_Point`, controls, separators
/// and annotations.
const INVISIBLE: &str = concat!(
    r"\u0000-\u0020\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F\u2000-\u200F",
    r"\u2028-\u202F\u205F-\u206F\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB",
);

/// White space that may be within a username.
const SPACES: &str = r"\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000";

/// Characters with a compatibility form that begins with a space. A username does not begin with one.
const SPACING_MARKS: &str = concat!(
    r"\u00A8\u00AF\u00B4\u00B8\u02D8-\u02DD\u037A\u0384\u0385\u1FBD\u1FBF-\u1FC1\u1FCD-\u1FCF\u1FDD-\u1FDF",
    r"\u1FED\u1FEE\u1FFD\u1FFE\u2017\u203E\u309B\u309C\uFC5E-\uFC63\uFE49-\uFE4C\uFE70\uFE72\uFE74\uFE76\uFE78",
    r"\uFE7A\uFE7C\uFE7E\uFFE3",
);

/// What no display name contains, and the isolates, which are permitted only in pairs.
const NOT_IN_DISPLAY_NAMES: &str = r"\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u206F\uFEFF\uFFF9-\uFFFB";

/// A [`Username`](auth_domain::model::Username) of any length, except that invisible characters above U+FFFF are accepted.
/// The format `username` is the name of the whole rule.
pub(super) fn username() -> String {
    let first = format!("[^{INVISIBLE}{SPACING_MARKS}]");
    let last = format!("[^{INVISIBLE}]");
    format!("^{first}(([{SPACES}]|{last})*{last})?$")
}

/// A [`DisplayName`](auth_domain::model::DisplayName) of any length: a visible character, which may be isolated, between
/// any others.
pub(super) fn display_name() -> String {
    let (any, visible) = (format!("[^{NOT_IN_DISPLAY_NAMES}]"), format!("[^{INVISIBLE}]"));
    let (open, close) = (r"[\u2066-\u2068]", r"\u2069");
    let others = format!("({any}|{open}{any}*{close})*");
    format!("^{others}({visible}|{open}{any}*{visible}{any}*{close}){others}$")
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{DisplayName, Username};
    use auth_domain::testing::NAMES_OF_PEOPLE;
    use jsonschema::Validator;
    use serde_json::{Value, json};

    use super::*;

    fn validator(pattern: &str) -> Validator {
        jsonschema::validator_for(&json!({"pattern": pattern})).expect("a schema")
    }

    /// The characters up to U+FFFF, and a sample of the others.
    fn characters() -> impl Iterator<Item = char> {
        (0..0x1_0000).chain((0x1_0000..=0x10_ffff).step_by(997)).filter_map(char::from_u32)
    }

    /// Compares a pattern with a parser for each character: alone, at each end, and within a text.
    fn assert_equivalent(pattern: &str, is_valid: impl Fn(&str) -> bool) {
        let validator = validator(pattern);
        for character in characters() {
            for text in [
                format!("{character}"),
                format!("{character}b"),
                format!("a{character}"),
                format!("a{character}b"),
            ] {
                assert_eq!(validator.is_valid(&Value::from(text.as_str())), is_valid(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn username_pattern_agrees_with_the_parser() {
        let is_beyond = |text: &str| text.chars().any(|c| matches!(c, '\u{1bca0}'..='\u{e0fff}'));
        assert_equivalent(&username(), |text| is_beyond(text) || Username::parse(text).is_ok());
    }

    #[test]
    fn display_name_pattern_agrees_with_the_parser() {
        assert_equivalent(&display_name(), |text| DisplayName::parse(text).is_ok());
    }

    #[test]
    fn display_name_pattern_agrees_on_names_and_isolates() {
        let validator = validator(&display_name());
        let isolates = [
            "\u{2068}Jane\u{2069}",
            "\u{2066}a\u{2069} \u{2067}b\u{2069}",
            "a\u{2067}\u{2069}",
            "\u{2067}a",
            "a\u{2069}",
            "\u{2069}a\u{2068}",
            "\u{2066}a\u{2067}b\u{2069}\u{2069}",
            "\u{2068}\u{200b}\u{2069}",
            "\u{2068} \u{2069}a",
            " \u{2068}a",
            "",
        ];
        for text in isolates.into_iter().chain(NAMES_OF_PEOPLE.map(|(_, name)| name)) {
            let is_valid = DisplayName::parse(text).is_ok();
            assert_eq!(validator.is_valid(&Value::from(text)), is_valid, "{text:?}");
        }
    }
}
