//! Identifiers: usernames and e-mail addresses, in one space of unique names.

use std::fmt;

use caseless::Caseless;
use email_address::{EmailAddress as Grammar, Options};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// The maximum length of a username in code points.
pub const USERNAME_MAX_CODE_POINTS: usize = 255;
/// The maximum length of an e-mail address in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
pub const EMAIL_MAX_BYTES: usize = 254;
/// The maximum length of an identifier key in bytes. An index entry of a PostgreSQL B-tree has at most 2,704 bytes.
const KEY_MAX_BYTES: usize = 4 * USERNAME_MAX_CODE_POINTS;

/// The maximum number of folding rounds, after which the text is used as it is.
const MAX_FOLD_ROUNDS: usize = 8;

/// The normalised form by which identifiers are compared.
///
/// Usernames and e-mail addresses share one space of unique names, so that a user cannot register another user's e-mail
/// address as a username.
///
/// Text that parses as an e-mail address is keyed as one, whichever field it came from. Its local part is folded, and
/// its domain is in ASCII form (IDNA). Other text is normalised to NFKC with full case folding. The key of a key is the
/// key itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentifierKey(String);

impl IdentifierKey {
    /// Computes the key of an identifier as a user typed it.
    ///
    /// # Errors
    /// [`InvalidIdentifier`] when the text is neither a valid username nor a valid e-mail address.
    pub fn of(typed: &str) -> Result<Self, InvalidIdentifier> {
        if let Ok(email) = EmailAddress::parse(typed) {
            return Ok(email.key);
        }
        check_username(typed)?;
        let key = settle(canonical(typed), |text| email_key(&text).unwrap_or_else(|| fold(&text)));
        if key.len() > KEY_MAX_BYTES {
            return Err(InvalidIdentifier::TooLong);
        }
        if key.trim() != key {
            // A spacing accent at either end: its compatibility form is a space followed by the accent.
            return Err(InvalidIdentifier::ForbiddenCharacter);
        }
        Ok(Self(key))
    }

    /// Returns the key as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdentifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentifierKey({:?})", self.0)
    }
}

/// The text is not a valid identifier. The error texts follow the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidIdentifier {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text is longer than permitted.
    #[error("is too long")]
    TooLong,
    /// The text contains a control, text-direction or invisible character, or white space at an end.
    #[error("contains a character that is not allowed")]
    ForbiddenCharacter,
    /// The text is not an e-mail address.
    #[error("must be a valid e-mail address")]
    NotAnEmail,
}

/// A username: 1 to 255 code points, displayed as typed, compared by [`IdentifierKey`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username {
    typed: String,
    key: IdentifierKey,
}

impl Username {
    /// Parses a username.
    ///
    /// # Errors
    /// [`InvalidIdentifier`] when the text is empty, too long or contains an invisible character.
    pub fn parse(typed: &str) -> Result<Self, InvalidIdentifier> {
        check_username(typed)?;
        Ok(Self { key: IdentifierKey::of(typed)?, typed: typed.to_owned() })
    }

    /// Wraps a stored username and its stored key.
    #[cfg(feature = "records")]
    pub(crate) fn from_stored(typed: &str, key: &str) -> Self {
        Self { typed: typed.to_owned(), key: IdentifierKey(key.to_owned()) }
    }

    /// The username as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Returns the key by which the username is compared.
    #[must_use]
    pub fn key(&self) -> &IdentifierKey {
        &self.key
    }
}

/// An e-mail address, displayed as typed, compared by [`IdentifierKey`].
///
/// The syntax is the mailbox of RFC 5321 with a dotted domain name. Quoted local parts and address literals are
/// rejected, because mail providers do not assign them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmailAddress {
    typed: String,
    key: IdentifierKey,
}

impl EmailAddress {
    /// Parses an e-mail address.
    ///
    /// # Errors
    /// [`InvalidIdentifier`] when the text is empty, not an address, or longer than 254 bytes as typed or in its ASCII
    /// form.
    pub fn parse(typed: &str) -> Result<Self, InvalidIdentifier> {
        if typed.is_empty() {
            return Err(InvalidIdentifier::Empty);
        }
        if typed.len() > EMAIL_MAX_BYTES {
            return Err(InvalidIdentifier::TooLong);
        }
        if typed.chars().any(is_forbidden) {
            return Err(InvalidIdentifier::NotAnEmail);
        }
        let key = email_key(&canonical(typed)).ok_or(InvalidIdentifier::NotAnEmail)?;
        let key = IdentifierKey(settle(key, |key| email_key(&key).unwrap_or(key)));
        if key.0.len() > EMAIL_MAX_BYTES {
            // The ASCII form of a domain (IDNA) may be longer than the typed one, and mail is sent to the ASCII form.
            return Err(InvalidIdentifier::TooLong);
        }
        Ok(Self { key, typed: typed.to_owned() })
    }

    /// Wraps a stored address and its stored key.
    #[cfg(feature = "records")]
    pub(crate) fn from_stored(typed: &str, key: &str) -> Self {
        Self { typed: typed.to_owned(), key: IdentifierKey(key.to_owned()) }
    }

    /// The address as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Returns the key by which the address is compared.
    #[must_use]
    pub fn key(&self) -> &IdentifierKey {
        &self.key
    }
}

/// The kind of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentifierKind {
    /// The username.
    Username,
    /// The e-mail address.
    Email,
}

/// The identifiers of one user: at least one of the two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identifiers {
    username: Option<Username>,
    email: Option<EmailAddress>,
}

impl Identifiers {
    /// Creates the identifiers of a user. `None` when both are missing. One alone converts by `into()`.
    #[must_use]
    pub fn new(username: Option<Username>, email: Option<EmailAddress>) -> Option<Self> {
        (username.is_some() || email.is_some()).then_some(Self { username, email })
    }

    /// Returns the username.
    #[must_use]
    pub fn username(&self) -> Option<&Username> {
        self.username.as_ref()
    }

    /// Returns the e-mail address.
    #[must_use]
    pub fn email(&self) -> Option<&EmailAddress> {
        self.email.as_ref()
    }

    /// Returns the identifiers with the given ones replaced.
    #[must_use]
    pub fn changed(&self, username: Option<Username>, email: Option<EmailAddress>) -> Self {
        Self {
            username: username.or_else(|| self.username.clone()),
            email: email.or_else(|| self.email.clone()),
        }
    }

    /// Returns the keys that these identifiers occupy, each once, with their kinds.
    ///
    /// The keys are in ascending order, so that concurrent writers lock them in the same order and cannot deadlock.
    #[must_use]
    pub fn keys(&self) -> Vec<(IdentifierKind, &IdentifierKey)> {
        let username = self.username.iter().map(|name| (IdentifierKind::Username, name.key()));
        let email = self.email.iter().map(|address| (IdentifierKind::Email, address.key()));
        let mut keys: Vec<_> = username.chain(email).collect();
        keys.sort_by_key(|(_, key)| *key);
        keys.dedup_by_key(|(_, key)| *key);
        keys
    }
}

impl From<Username> for Identifiers {
    fn from(username: Username) -> Self {
        Self { username: Some(username), email: None }
    }
}

impl From<EmailAddress> for Identifiers {
    fn from(email: EmailAddress) -> Self {
        Self { username: None, email: Some(email) }
    }
}

fn check_username(typed: &str) -> Result<(), InvalidIdentifier> {
    if typed.is_empty() {
        return Err(InvalidIdentifier::Empty);
    }
    if typed.chars().nth(USERNAME_MAX_CODE_POINTS).is_some() {
        return Err(InvalidIdentifier::TooLong);
    }
    if typed.trim() != typed || typed.chars().any(is_forbidden) {
        return Err(InvalidIdentifier::ForbiddenCharacter);
    }
    Ok(())
}

/// Converts text to the compared form: NFKC, with the ideographic full stop as a dot (RFC 3490, section 3.1).
fn canonical(typed: &str) -> String {
    typed.nfkc().map(|c| if c == '\u{3002}' { '.' } else { c }).collect()
}

/// Returns the key of an e-mail address in canonical form. `None` for any other text.
fn email_key(text: &str) -> Option<String> {
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let address = Grammar::parse_with_options(text, options).ok().filter(|_| !text.starts_with('"'))?;
    let domain = idna::domain_to_ascii_strict(address.domain()).ok()?;
    Some(format!("{}@{domain}", fold(address.local_part())))
}

/// Folds case and normalises to NFKC until the text is stable: compatibility caseless matching (Unicode, section 3.13,
/// D146), in composed form.
pub(super) fn fold(text: &str) -> String {
    settle(text.to_owned(), |text| text.chars().nfd().default_case_fold().nfkc().collect())
}

/// Applies `change` until the text is stable, so that the key of a key is the key itself. No text is known that takes
/// more than three rounds.
fn settle(mut text: String, change: impl Fn(String) -> String) -> String {
    for _ in 0..MAX_FOLD_ROUNDS {
        let next = change(text.clone());
        if next == text {
            break;
        }
        text = next;
    }
    text
}

/// Returns whether a character is a control character, a line or paragraph separator, or a
/// `Default_Ignorable_Code_Point` (`DerivedCoreProperties.txt`): text direction, zero width, variation selectors, tags.
pub(crate) fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(typed: &str) -> String {
        IdentifierKey::of(typed).expect("an identifier").as_str().to_owned()
    }

    #[test]
    fn one_name_is_enough_for_identifiers() {
        let (username, email) = (Username::parse("jane"), EmailAddress::parse("jane@example.com"));
        let (username, email) = (username.expect("a name"), email.expect("an address"));
        assert_eq!(Some(Identifiers::from(username.clone())), Identifiers::new(Some(username), None));
        assert_eq!(Some(Identifiers::from(email.clone())), Identifiers::new(None, Some(email)));
    }

    #[test]
    fn names_are_compared_without_case_and_unicode_form() {
        assert_eq!(key("John_Doe"), key("john_doe"));
        assert_eq!(key("Stra\u{df}e"), key("STRASSE"));
        assert_eq!(key("e\u{301}mile"), key("\u{c9}mile"));
        assert_eq!(key("\u{ff4a}ohn"), key("john"));
        assert_ne!(key("john"), key("joan"));
    }

    #[test]
    fn a_username_that_is_an_email_address_occupies_it() {
        let email = EmailAddress::parse("Jane@B\u{fc}cher.example").expect("an address");
        for typed in [
            "jane@b\u{fc}cher.example",
            "JANE@xn--bcher-kva.example",
            "jane@bu\u{308}cher.example",
            "jane\u{ff20}b\u{fc}cher.example",
            "jane@b\u{fc}cher\u{3002}example",
            "\u{ff2a}ane@b\u{fc}cher\u{ff0e}example",
        ] {
            assert_eq!(Username::parse(typed).expect("a username").key(), email.key());
        }
    }

    #[test]
    fn an_email_address_is_parsed_in_every_unicode_form() {
        fn key(typed: &str) -> Result<IdentifierKey, InvalidIdentifier> {
            EmailAddress::parse(typed).map(|address| address.key)
        }
        assert_eq!(key("jos\u{e9}@example.com"), key("JOSE\u{301}@example.com"));
        assert!(key("jose\u{301}@example.com").is_ok());
    }

    #[test]
    fn identifiers_are_shown_as_they_were_typed() {
        assert_eq!(Username::parse("John Doe").expect("a username").as_str(), "John Doe");
        assert_eq!(
            EmailAddress::parse("Jane.Doe@Example.COM").expect("valid").as_str(),
            "Jane.Doe@Example.COM"
        );
    }

    #[test]
    fn invisible_usernames_are_rejected() {
        for typed in ["a\0b", "a\u{202e}b", "a\u{200b}b", "\u{feff}a", "a\tb", "a\nb", " a", "a ", "\u{a0}"] {
            assert_eq!(Username::parse(typed), Err(InvalidIdentifier::ForbiddenCharacter), "{typed:?}");
        }
        assert_eq!(Username::parse(""), Err(InvalidIdentifier::Empty));
    }

    #[test]
    fn usernames_have_at_most_255_code_points() {
        assert!(Username::parse(&"\u{1f600}".repeat(255)).is_ok());
        assert_eq!(Username::parse(&"a".repeat(256)), Err(InvalidIdentifier::TooLong));
    }

    #[test]
    fn a_username_with_an_overlong_key_is_rejected() {
        assert_eq!(Username::parse(&"\u{fdfa}".repeat(255)), Err(InvalidIdentifier::TooLong));
    }

    #[test]
    fn invalid_email_addresses_are_rejected() {
        for typed in [
            "",
            "x",
            "a@",
            "@b.example",
            "a b@c.example",
            "a@b",
            "a@b..example",
            "a@-b.example",
            "a@[127.0.0.1]",
            "\"a b\"@c.example",
            "Jane <a@b.example>",
            "a@b.example\0",
            "a@b.example ",
        ] {
            assert!(EmailAddress::parse(typed).is_err(), "{typed:?}");
        }
        assert_eq!(
            EmailAddress::parse(&format!("{}@b.example", "a".repeat(250))),
            Err(InvalidIdentifier::TooLong)
        );
        assert!(EmailAddress::parse(&format!("{}@b.example", "a".repeat(65))).is_err());
        assert!(EmailAddress::parse(&format!("{}@b.example", "a".repeat(64))).is_ok());
    }

    #[test]
    fn the_same_identifier_twice_occupies_one_key() {
        let name = Username::parse("a@b.example").expect("a username");
        let email = EmailAddress::parse("A@b.example").expect("an address");
        assert_eq!(Identifiers::new(Some(name), Some(email)).expect("identifiers").keys().len(), 1);
        assert_eq!(Identifiers::new(None, None), None);
    }

    fn is_settled(typed: &str) -> Result<(), TestCaseError> {
        if let Ok(key) = IdentifierKey::of(typed)
            && let Ok(again) = IdentifierKey::of(key.as_str())
        {
            prop_assert_eq!(again, key);
        }
        Ok(())
    }

    #[test]
    fn usernames_with_a_space_at_an_end_of_the_key_are_rejected() {
        for typed in ["\u{1fbf}", "\u{b4}jane", "\u{2dc}"] {
            assert_eq!(Username::parse(typed), Err(InvalidIdentifier::ForbiddenCharacter), "{typed}");
        }
        assert!(Username::parse("jane\u{b4}").is_ok(), "the space is within");
    }

    #[test]
    fn an_address_with_an_overlong_ascii_form_is_rejected() {
        let domain = format!("{}example.com", "b\u{fc}cher.".repeat(17));
        let (longest, longer) = (format!("jane@{domain}"), format!("janet@{domain}"));
        assert!(longer.len() < EMAIL_MAX_BYTES);
        assert_eq!(EmailAddress::parse(&longest).expect("an address").key().as_str().len(), EMAIL_MAX_BYTES);
        assert_eq!(EmailAddress::parse(&longer), Err(InvalidIdentifier::TooLong));
    }

    #[test]
    fn folding_any_character_is_stable() {
        for character in ('\0'..=char::MAX).map(String::from) {
            let folded = fold(&canonical(&character));
            assert_eq!(fold(&canonical(&folded)), folded, "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_itself(typed in "\\PC{1,40}") {
            is_settled(&typed)?;
        }

        #[test]
        fn the_key_of_an_email_key_is_itself(
            typed in "\\PC{1,8}[@\u{ff20}]\\PC{1,8}[.\u{3002}\u{ff0e}][a-zA-Z\u{fc}\u{308}]{2,4}",
        ) {
            is_settled(&typed)?;
        }

        #[test]
        fn parsing_any_text_does_not_panic(typed in any::<String>()) {
            let _ = Username::parse(&typed);
            let _ = EmailAddress::parse(&typed);
        }
    }
}
