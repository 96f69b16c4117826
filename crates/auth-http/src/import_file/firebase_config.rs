//! The hash parameters of a Firebase project, as its console shows them.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

/// The text contains no hash parameters, or those of another algorithm. It is not repeated, because it contains a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidFirebaseConfig {
    #[error(
        "lacks {0}; the parameters are algorithm, base64_signer_key, base64_salt_separator, rounds and mem_cost, as the \
         console of Firebase shows them"
    )]
    Missing(&'static str),
    #[error("has an algorithm other than SCRYPT")]
    Algorithm,
}

/// The parameters of the scrypt of Firebase. `Debug` redacts the key.
pub struct FirebaseConfig {
    signer_key: SecretString,
    salt_separator: String,
    rounds: u32,
    mem_cost: u32,
}

impl FirebaseConfig {
    /// Parses the text of the console, `hash_config { name: value, .. }`, or a JSON object with the same names.
    ///
    /// # Errors
    /// [`InvalidFirebaseConfig`] if a parameter is missing or the algorithm is not scrypt.
    pub fn parse(text: &str) -> Result<Self, InvalidFirebaseConfig> {
        let find = |name: &'static str| value(text, name).ok_or(InvalidFirebaseConfig::Missing(name));
        let number = |name| find(name)?.parse().map_err(|_| InvalidFirebaseConfig::Missing(name));
        if find("algorithm")? != "SCRYPT" {
            return Err(InvalidFirebaseConfig::Algorithm);
        }
        Ok(Self {
            signer_key: SecretString::from(find("base64_signer_key")?),
            salt_separator: find("base64_salt_separator")?.to_owned(),
            rounds: number("rounds")?,
            mem_cost: number("mem_cost")?,
        })
    }

    /// The hash of a user in the form of Ory Kratos, `$firescrypt$ln=14,r=8,p=1$salt$tag$separator$signer key`.
    pub(super) fn hash(&self, salt: &str, tag: &str) -> String {
        let Self { signer_key, salt_separator, rounds, mem_cost } = self;
        let key = signer_key.expose_secret();
        format!("$firescrypt$ln={mem_cost},r={rounds},p=1${salt}${tag}${salt_separator}${key}")
    }
}

/// The value after `name:`, without quotation marks.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find_map(|(at, _)| {
        let rest = text[at + name.len()..].trim_start_matches('"').trim_start().strip_prefix(':')?;
        let rest = rest.trim_start().trim_start_matches('"');
        let end = rest.find(['"', ',', '\n', '\r', '}', ' ']).unwrap_or(rest.len());
        Some(&rest[..end]).filter(|value| !value.is_empty())
    })
}

impl fmt::Debug for FirebaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirebaseConfig([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: a+b/c==,\n  \
                         base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}\n";

    #[test]
    fn parameters_are_read_as_shown_and_as_json() {
        let json = r#"{"algorithm":"SCRYPT","base64_signer_key":"a+b/c==","base64_salt_separator":"Bw==",
            "rounds":8,"mem_cost":14}"#;
        for text in [SHOWN, json] {
            let config = FirebaseConfig::parse(text).expect("parameters");
            assert_eq!(config.hash("s", "t"), "$firescrypt$ln=14,r=8,p=1$s$t$Bw==$a+b/c==", "{text}");
            assert!(!format!("{config:?}").contains("a+b"));
        }
    }

    #[test]
    fn missing_parameters_are_named_without_the_key() {
        let error = FirebaseConfig::parse(&SHOWN.replace("rounds", "x")).map(|_| ()).expect_err("refused");
        assert_eq!(error, InvalidFirebaseConfig::Missing("rounds"));
        assert!(!error.to_string().contains("a+b"));
        let other = SHOWN.replace("SCRYPT", "BCRYPT");
        assert_eq!(FirebaseConfig::parse(&other).map(|_| ()), Err(InvalidFirebaseConfig::Algorithm));
        assert!(FirebaseConfig::parse("").is_err());
    }
}
