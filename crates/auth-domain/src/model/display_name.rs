//! Display names: the name of a person as it is shown. A display name is not an identifier.

use thiserror::Error;

use super::identifiers;

/// The maximum length of a display name in code points.
pub const DISPLAY_NAME_MAX_CODE_POINTS: usize = 255;

/// The text is not a valid display name. The error texts follow the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidDisplayName {
    /// The text is empty or longer than permitted.
    #[error("must be 1 to 255 characters long, without control characters")]
    WrongLength,
    /// The text contains a character that no name needs.
    #[error("must be 1 to 255 characters long, without control characters")]
    ForbiddenCharacter,
    /// A directional isolate is not closed, is closed twice, or is within another one.
    #[error("must close each directional isolate before the next one")]
    UnpairedIsolate,
    /// The text consists of white space and invisible characters.
    #[error("must contain a visible character")]
    Invisible,
}

/// A display name: 1 to 255 code points, stored and shown as typed.
///
/// A name may contain every character that a script needs, visible or not. Persian needs the zero-width non-joiner,
/// Indic scripts and emoji need the zero-width joiner, and Mongolian and Japanese names need variation selectors.
///
/// A name may not affect the text that follows it. Hebrew and Arabic names may therefore contain the implicit
/// directional marks U+061C, U+200E and U+200F, which have no scope (UAX 9, section 2.6). Directional isolates (section
/// 2.4) must be paired, and are not nested. Embeddings and overrides (sections 2.1 and 2.2) are rejected: overrides
/// disguise text (UTS 55, section 1), and isolates replace embeddings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Parses a display name.
    ///
    /// # Errors
    /// [`InvalidDisplayName`] when the text has the wrong length, contains a forbidden character or an unpaired isolate,
    /// or is invisible.
    pub fn parse(typed: &str) -> Result<Self, InvalidDisplayName> {
        if typed.is_empty() || typed.chars().nth(DISPLAY_NAME_MAX_CODE_POINTS).is_some() {
            return Err(InvalidDisplayName::WrongLength);
        }
        if typed.chars().any(is_forbidden) {
            return Err(InvalidDisplayName::ForbiddenCharacter);
        }
        if !isolates_are_paired(typed) {
            return Err(InvalidDisplayName::UnpairedIsolate);
        }
        if !typed.chars().any(is_visible) {
            return Err(InvalidDisplayName::Invisible);
        }
        Ok(Self(typed.to_owned()))
    }

    /// Returns the name as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a character is not permitted in a name. These are controls, line and paragraph separators, directional
/// embeddings and overrides, deprecated format characters, the byte order mark, and interlinear annotations.
fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{2028}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Returns whether each directional isolate ends within the name and before the next one begins.
fn isolates_are_paired(typed: &str) -> bool {
    let mut is_open = false;
    for character in typed.chars() {
        let opens = matches!(character, '\u{2066}'..='\u{2068}');
        if opens == is_open && (opens || character == '\u{2069}') {
            return false;
        }
        is_open = opens || (is_open && character != '\u{2069}');
    }
    !is_open
}

/// Returns whether a character makes a name visible. All characters above U+FFFF count, because the portable regular
/// expressions of API documents cannot tell them apart.
fn is_visible(character: char) -> bool {
    character > '\u{ffff}' || !character.is_whitespace() && !identifiers::is_forbidden(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NAMES_OF_PEOPLE;

    fn refusal(typed: &str) -> Option<InvalidDisplayName> {
        DisplayName::parse(typed).err()
    }

    #[test]
    fn names_of_every_script_are_kept_as_typed() {
        for (script, name) in NAMES_OF_PEOPLE {
            assert_eq!(DisplayName::parse(name).as_ref().map(DisplayName::as_str), Ok(name), "{script}");
        }
    }

    #[test]
    fn every_letter_mark_and_joiner_is_accepted_within_a_name() {
        for character in ('\u{a0}'..=char::MAX).filter(|c| !is_forbidden(*c)) {
            if !matches!(character, '\u{2066}'..='\u{2069}') {
                assert_eq!(refusal(&format!("a{character}b")), None, "{character:?}");
            }
        }
    }

    #[test]
    fn controls_separators_and_overrides_are_rejected() {
        let texts = [
            "a\0",
            "a\tb",
            "a\nb",
            "a\rb",
            "\u{1b}[31m",
            "a\u{7f}",
            "a\u{85}",
            "a\u{9b}31m",
            "a\u{2028}b",
            "a\u{2029}b",
            "\u{202a}a\u{202c}",
            "\u{202b}a\u{202c}",
            "\u{202d}a\u{202c}",
            "a\u{202e}b",
            "a\u{206a}",
            "a\u{206f}",
            "\u{feff}a",
            "\u{fff9}a\u{fffa}b\u{fffb}",
        ];
        for typed in texts {
            assert_eq!(refusal(typed), Some(InvalidDisplayName::ForbiddenCharacter), "{typed:?}");
        }
    }

    #[test]
    fn isolates_are_accepted_only_in_pairs() {
        for typed in ["\u{2068}Jane\u{2069}", "\u{2066}a\u{2069} \u{2067}b\u{2069}", "a\u{2067}\u{2069}"] {
            assert_eq!(refusal(typed), None, "{typed:?}");
        }
        for typed in ["\u{2067}a", "a\u{2069}", "\u{2069}a\u{2068}", "\u{2066}a\u{2067}b\u{2069}\u{2069}"] {
            assert_eq!(refusal(typed), Some(InvalidDisplayName::UnpairedIsolate), "{typed:?}");
        }
    }

    #[test]
    fn invisible_names_are_rejected() {
        for typed in [" ", "\u{a0}\u{3000}", "\u{200d}", "\u{3164}", "\u{fe0f}", "\u{2068}\u{200b}\u{2069}"] {
            assert_eq!(refusal(typed), Some(InvalidDisplayName::Invisible), "{typed:?}");
        }
    }

    #[test]
    fn display_names_have_1_to_255_code_points() {
        assert_eq!(refusal(""), Some(InvalidDisplayName::WrongLength));
        assert_eq!(refusal(&"\u{1f600}".repeat(255)), None);
        assert_eq!(refusal(&"a".repeat(256)), Some(InvalidDisplayName::WrongLength));
    }
}
