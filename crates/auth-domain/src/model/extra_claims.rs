//! Claims that the embedding program adds to access tokens.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The maximum length of a [`ClaimName`].
pub const CLAIM_NAME_MAX_LENGTH: usize = 128;

/// The maximum number of extra claims of a token.
pub const EXTRA_CLAIMS_MAX: usize = 16;

/// The maximum size of the extra claims of a token, as JSON. With the longest roles, a token stays below 4,096 bytes.
pub const EXTRA_CLAIMS_MAX_BYTES: usize = 1_024;

/// The largest integer that every JSON parser reads exactly (RFC 8259, section 6).
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The names that verifiers interpret, in lower case. They are registered claims that identify, restrict or bind a token, the claims
/// of this service, and the parameters of a header. See RFC 7519, section 4.1, and RFC 9068, section 2.2.
const RESERVED: [&str; 42] = [
    "acr",
    "act",
    "active",
    "alg",
    "amr",
    "ath",
    "aud",
    "auth_time",
    "authorization_details",
    "azp",
    "client_id",
    "cnf",
    "crit",
    "cty",
    "enc",
    "events",
    "exp",
    "htm",
    "htu",
    "iat",
    "iss",
    "jku",
    "jti",
    "jwk",
    "kid",
    "may_act",
    "nbf",
    "nonce",
    "roles",
    "scope",
    "scp",
    "sid",
    "status",
    "sub",
    "sub_id",
    "token_type",
    "token_use",
    "typ",
    "x5c",
    "x5t",
    "x5u",
    "zip",
];

/// The text is not the name of an extra claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidClaimName {
    /// The text does not have the form of a name.
    #[error(
        "the name of a claim must be 1 to {CLAIM_NAME_MAX_LENGTH} of A-Z, a-z, 0-9, '_', '-', '.', ':' and '/', beginning \
         with a letter"
    )]
    Form,
    /// The name is that of a registered claim, in upper or lower case.
    #[error("the name of a registered claim must not be used for an extra claim")]
    Registered,
}

/// The name of an extra claim: 1 to [`CLAIM_NAME_MAX_LENGTH`] of `A`–`Z`, `a`–`z`, `0`–`9`, `_`, `-`, `.`, `:` and `/`,
/// beginning with a letter.
///
/// The name of a registered claim such as `sub`, `roles` or `scope` is no `ClaimName`, so an extra claim cannot replace one. A
/// claim for several services should have a URL as its name, such as `https://example.com/tenant` (RFC 7519, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimName(Arc<str>);

impl ClaimName {
    /// Parses the name of an extra claim.
    ///
    /// # Errors
    /// [`InvalidClaimName`] when the text does not have the required form or is a registered name.
    pub fn parse(name: &str) -> Result<Self, InvalidClaimName> {
        let has_form = name.len() <= CLAIM_NAME_MAX_LENGTH
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:/".contains(c));
        if !has_form {
            return Err(InvalidClaimName::Form);
        }
        // Some verifiers compare names without case: Go's encoding/json reads `SUB` as `sub`.
        if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(InvalidClaimName::Registered);
        }
        Ok(Self(name.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ClaimName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The value of an extra claim. [`ExtraClaims`] bounds its size.
#[derive(Clone, PartialEq, Eq)]
pub enum ClaimValue {
    /// A text.
    Text(String),
    /// An integer of at most 53 bits, so that every JSON parser reads it exactly.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// A list of texts.
    Texts(Vec<String>),
}

impl ClaimValue {
    /// The size of the value as JSON.
    fn json_len(&self) -> usize {
        match self {
            Self::Text(text) => text_len(text),
            Self::Integer(integer) => integer.to_string().len(),
            Self::Boolean(boolean) => boolean.to_string().len(),
            Self::Texts(texts) => 2 + texts.iter().map(|text| text_len(text) + 1).sum::<usize>(),
        }
    }
}

/// The size of a text as JSON: quotation marks, backslashes and control characters are escaped.
fn text_len(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    2 + escaped.sum::<usize>()
}

/// Shows the kind of the value only: a claim may be personal data.
impl fmt::Debug for ClaimValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text([REDACTED])",
            Self::Integer(_) => "Integer([REDACTED])",
            Self::Boolean(_) => "Boolean([REDACTED])",
            Self::Texts(_) => "Texts([REDACTED])",
        })
    }
}

impl From<&str> for ClaimValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ClaimValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for ClaimValue {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for ClaimValue {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<Vec<String>> for ClaimValue {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

/// The claims do not fit into a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidExtraClaims {
    /// There are more than [`EXTRA_CLAIMS_MAX`] claims.
    #[error("a token has at most {EXTRA_CLAIMS_MAX} extra claims")]
    TooMany,
    /// The claims are larger than [`EXTRA_CLAIMS_MAX_BYTES`].
    #[error("the extra claims of a token have at most {EXTRA_CLAIMS_MAX_BYTES} bytes")]
    TooLarge,
    /// Two claims have the same name.
    #[error("two extra claims have the same name")]
    Repeated,
    /// An integer has more than 53 bits.
    #[error("an extra claim is an integer of more than 53 bits")]
    IntegerTooLarge,
}

/// The extra claims of an access token: at most [`EXTRA_CLAIMS_MAX`], and at most [`EXTRA_CLAIMS_MAX_BYTES`] as JSON. Cloning is
/// cheap.
///
/// ```
/// use auth_domain::model::{ClaimName, ExtraClaims};
///
/// let claims = ExtraClaims::default()
///     .with(ClaimName::parse("tenant")?, "acme")?
///     .with(ClaimName::parse("seats")?, 25)?;
/// assert_eq!(claims.text("tenant"), Some("acme"));
/// assert_eq!(claims.integer("seats"), Some(25));
/// assert!(ClaimName::parse("sub").is_err(), "a registered claim cannot be replaced");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
// `None` without claims, so that a token without them allocates nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtraClaims(Option<Arc<BTreeMap<ClaimName, ClaimValue>>>);

impl ExtraClaims {
    /// Collects claims.
    ///
    /// # Errors
    /// [`InvalidExtraClaims`] when a name is repeated, an integer has more than 53 bits, or there are too many or too large
    /// claims.
    pub fn new(
        claims: impl IntoIterator<Item = (ClaimName, ClaimValue)>,
    ) -> Result<Self, InvalidExtraClaims> {
        let mut known = BTreeMap::new();
        for (name, value) in claims {
            if matches!(value, ClaimValue::Integer(integer) if integer.unsigned_abs() > MAX_INTEGER.unsigned_abs())
            {
                return Err(InvalidExtraClaims::IntegerTooLarge);
            }
            if known.insert(name, value).is_some() {
                return Err(InvalidExtraClaims::Repeated);
            }
        }
        if known.len() > EXTRA_CLAIMS_MAX {
            return Err(InvalidExtraClaims::TooMany);
        }
        // Each claim has two quotation marks, a colon and a comma.
        let size: usize = known.iter().map(|(name, value)| name.0.len() + 4 + value.json_len()).sum();
        if size > EXTRA_CLAIMS_MAX_BYTES {
            return Err(InvalidExtraClaims::TooLarge);
        }
        Ok(Self((!known.is_empty()).then(|| Arc::new(known))))
    }

    /// Adds a claim.
    ///
    /// # Errors
    /// The same as [`new`](Self::new).
    pub fn with(self, name: ClaimName, value: impl Into<ClaimValue>) -> Result<Self, InvalidExtraClaims> {
        let known = self.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        Self::new(known.into_iter().chain([(name, value.into())]))
    }

    /// Returns whether there are no claims.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Iterates over the claims in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&ClaimName, &ClaimValue)> {
        self.0.iter().flat_map(|claims| claims.iter())
    }

    /// Returns the value of a claim.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ClaimValue> {
        self.0.as_ref()?.get(name)
    }

    /// Returns a claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        if let Some(ClaimValue::Text(text)) = self.get(name) { Some(text) } else { None }
    }

    /// Returns a claim that is an integer.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        if let Some(ClaimValue::Integer(integer)) = self.get(name) { Some(*integer) } else { None }
    }

    /// Returns a claim that is a truth value.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        if let Some(ClaimValue::Boolean(boolean)) = self.get(name) { Some(*boolean) } else { None }
    }

    /// Returns a claim that is a list of texts.
    #[must_use]
    pub fn texts(&self, name: &str) -> Option<&[String]> {
        if let Some(ClaimValue::Texts(texts)) = self.get(name) { Some(texts) } else { None }
    }
}

/// Shows the names of the claims only.
impl fmt::Debug for ExtraClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name.as_str())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> ClaimName {
        ClaimName::parse(name).expect("a name")
    }

    fn one(value: impl Into<ClaimValue>) -> Result<ExtraClaims, InvalidExtraClaims> {
        ExtraClaims::default().with(name("a"), value)
    }

    #[test]
    fn a_claim_name_is_not_that_of_a_registered_claim() {
        let names = RESERVED.map(str::to_owned).into_iter();
        for registered in names.flat_map(|name| [name.to_uppercase(), name.clone(), capitalised(&name)]) {
            assert_eq!(ClaimName::parse(&registered), Err(InvalidClaimName::Registered), "{registered}");
        }
        for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "client_id", "roles", "scope"] {
            assert!(RESERVED.contains(&name), "{name}");
        }
    }

    fn capitalised(name: &str) -> String {
        name[..1].to_uppercase() + &name[1..]
    }

    #[test]
    fn a_claim_name_has_a_bounded_form() {
        let longest = "a".repeat(CLAIM_NAME_MAX_LENGTH);
        for text in ["tenant", "Plan", "email", "groups", "https://example.com/claims/x.y-z_1", &longest] {
            assert_eq!(ClaimName::parse(text).map(|name| name.as_str().to_owned()).as_deref(), Ok(text));
        }
        for text in ["", " a", "1a", "_a", "__proto__", "a\"", "a b", "\u{17f}ub", &format!("{longest}a")] {
            assert_eq!(ClaimName::parse(text), Err(InvalidClaimName::Form), "{text:?}");
        }
    }

    #[test]
    fn each_claim_has_one_type() {
        let texts = vec!["a".to_owned(), String::new()];
        let claims = ExtraClaims::new([
            (name("text"), "acme".into()),
            (name("integer"), (-7).into()),
            (name("boolean"), false.into()),
            (name("texts"), texts.clone().into()),
        ]);
        let claims = claims.expect("claims");
        assert_eq!((claims.text("text"), claims.text("integer")), (Some("acme"), None));
        assert_eq!((claims.integer("integer"), claims.integer("boolean")), (Some(-7), None));
        assert_eq!((claims.boolean("boolean"), claims.boolean("text")), (Some(false), None));
        assert_eq!((claims.texts("texts"), claims.texts("text")), (Some(&texts[..]), None));
        assert_eq!((claims.get("other"), claims.is_empty()), (None, false));
        let names: Vec<_> = claims.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["boolean", "integer", "text", "texts"]);
    }

    #[test]
    fn extra_claims_are_bounded() {
        let numbered = |count: usize| (0..count).map(|n| (name(&format!("a{n}")), ClaimValue::Boolean(true)));
        assert!(ExtraClaims::new(numbered(EXTRA_CLAIMS_MAX)).is_ok());
        assert_eq!(ExtraClaims::new(numbered(EXTRA_CLAIMS_MAX + 1)), Err(InvalidExtraClaims::TooMany));
        let again = one("x").expect("a claim").with(name("a"), "x");
        assert_eq!(again, Err(InvalidExtraClaims::Repeated));
        for integer in [MAX_INTEGER, -MAX_INTEGER] {
            assert!(one(integer).is_ok());
        }
        for integer in [MAX_INTEGER + 1, -MAX_INTEGER - 1, i64::MIN, i64::MAX] {
            assert_eq!(one(integer), Err(InvalidExtraClaims::IntegerTooLarge));
        }
    }

    #[test]
    fn escapes_count_towards_the_size_of_claims() {
        let overhead = r#""a":"","#.len();
        for (text, size) in [("x", 1), ("\"", 2), ("\\", 2), ("\u{1f}", 6), ("\u{1f600}", 4)] {
            let count = (EXTRA_CLAIMS_MAX_BYTES - overhead) / size;
            assert!(one(text.repeat(count)).is_ok(), "{text:?}");
            assert_eq!(one(text.repeat(count + 1)), Err(InvalidExtraClaims::TooLarge), "{text:?}");
        }
        let many = vec![String::new(); EXTRA_CLAIMS_MAX_BYTES];
        assert_eq!(one(many), Err(InvalidExtraClaims::TooLarge));
    }

    #[test]
    fn claims_without_a_member_are_equal_to_none() {
        assert_eq!(ExtraClaims::new([]), Ok(ExtraClaims::default()));
        assert!(ExtraClaims::default().is_empty());
    }

    #[test]
    fn debug_shows_no_value_of_a_claim() {
        let claims = one("s3cret").expect("a claim");
        assert_eq!(format!("{claims:?} {:?}", claims.get("a")), r#"{"a"} Some(Text([REDACTED]))"#);
    }
}
