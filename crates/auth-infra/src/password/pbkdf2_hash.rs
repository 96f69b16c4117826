//! PBKDF2 hashes (RFC 8018, section 5.2) with HMAC of SHA-256 or SHA-512.

use std::num::NonZero;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::error::ParseHashError;
use super::params::{MIN_SALT_BYTES, MIN_TAG_BYTES, parse_phc};

/// The maximum iterations, times the blocks of the tag: about 1 s of a core.
const MAX_ITERATIONS: u32 = 2_000_000;
/// The maximum bytes of a salt and of a tag.
const MAX_BYTES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digest {
    Sha256,
    Sha512,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pbkdf2Hash {
    digest: Digest,
    iterations: NonZero<u32>,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Pbkdf2Hash {
    /// Reads one of three forms:
    /// - the PHC string `$pbkdf2-sha256$i=600000,l=32$salt$tag`, where `l`, the bytes of the tag, may be left out;
    /// - passlib's `$pbkdf2-sha256$29000$salt$tag`, whose Base64 has `.` for `+`;
    /// - Django's `pbkdf2_sha256$600000$salt$tag`, whose salt is plain text and not Base64.
    pub(super) fn parse(stored: &str) -> Result<Self, ParseHashError> {
        let parts: Vec<_> = stored.split('$').collect();
        match parts[..] {
            ["pbkdf2_sha256", iterations, salt, tag] => {
                let tag = STANDARD.decode(tag).map_err(|_| malformed())?;
                Self::new(Digest::Sha256, number(iterations)?, salt.as_bytes().to_vec(), tag)
            }
            ["", name, parameters, salt, tag] => {
                let digest = if name == "pbkdf2-sha512" { Digest::Sha512 } else { Digest::Sha256 };
                match number(parameters) {
                    Ok(iterations) => Self::new(digest, iterations, passlib(salt)?, passlib(tag)?),
                    Err(_) => Self::parse_phc(digest, stored),
                }
            }
            _ => Err(malformed()),
        }
    }

    fn parse_phc(digest: Digest, stored: &str) -> Result<Self, ParseHashError> {
        let (hash, salt, tag) = parse_phc(stored)?;
        let length = hash.params.get_decimal("l");
        let known = 1 + usize::from(length.is_some());
        let is_whole = length.is_none_or(|length| usize::try_from(length) == Ok(tag.len()));
        match hash.params.get_decimal("i") {
            Some(iterations) if is_whole && hash.params.iter().count() == known && hash.version.is_none() => {
                Self::new(digest, iterations, salt.to_vec(), tag.as_bytes().to_vec())
            }
            _ => Err(malformed()),
        }
    }

    fn new(digest: Digest, iterations: u32, salt: Vec<u8>, tag: Vec<u8>) -> Result<Self, ParseHashError> {
        let fits = (MIN_SALT_BYTES..=MAX_BYTES).contains(&salt.len())
            && (MIN_TAG_BYTES..=MAX_BYTES).contains(&tag.len());
        let iterations = NonZero::new(iterations).filter(|_| fits).ok_or_else(malformed)?;
        let digest_bytes = match digest {
            Digest::Sha256 => 32,
            Digest::Sha512 => 64,
        };
        let blocks = u32::try_from(tag.len().div_ceil(digest_bytes)).unwrap_or(u32::MAX);
        if iterations.get().saturating_mul(blocks) > MAX_ITERATIONS {
            return Err(ParseHashError::TooCostly(format!("PBKDF2 with {iterations} iterations")));
        }
        Ok(Self { digest, iterations, salt, tag })
    }

    /// Whether this is the hash of `password`. The comparison takes constant time.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let algorithm = match self.digest {
            Digest::Sha256 => PBKDF2_HMAC_SHA256,
            Digest::Sha512 => PBKDF2_HMAC_SHA512,
        };
        pbkdf2::verify(algorithm, self.iterations, &self.salt, password, &self.tag).is_ok()
    }
}

fn malformed() -> ParseHashError {
    ParseHashError::Malformed("PBKDF2")
}

/// Reads digits only. The parser of Rust accepts a plus sign too.
fn number(text: &str) -> Result<u32, ParseHashError> {
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(malformed)
}

/// Reads the Base64 of passlib.
fn passlib(text: &str) -> Result<Vec<u8>, ParseHashError> {
    STANDARD_NO_PAD.decode(text.replace('.', "+")).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "c2l4dGVlbiBieXRlcyA6KQ";
    const TAG: &str = "3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg";

    fn matches(password: &[u8], stored: &str) -> bool {
        Pbkdf2Hash::parse(stored).expect("a hash").matches(password)
    }

    /// RFC 7914, section 11. The salts are shorter than any that is read.
    #[test]
    fn the_vectors_of_the_rfc_are_verified() {
        const PASSWD: &str = "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783";
        const PASSWORD: &str = "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d";
        for (password, salt, iterations, tag) in
            [("passwd", "salt", 1, PASSWD), ("Password", "NaCl", 80_000, PASSWORD)]
        {
            let tag = (0..64).map(|byte| u8::from_str_radix(&tag[2 * byte..2 * byte + 2], 16));
            let hash = Pbkdf2Hash {
                digest: Digest::Sha256,
                iterations: NonZero::new(iterations).expect("iterations"),
                salt: salt.into(),
                tag: tag.collect::<Result<_, _>>().expect("hexadecimal"),
            };
            assert!(hash.matches(password.as_bytes()) && !hash.matches(b"another"), "{password}");
        }
    }

    /// Made by Python's hashlib (OpenSSL) and by passlib 1.7.4, Django's form included.
    #[test]
    fn what_other_programs_made_is_verified() {
        for stored in [
            "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyA6KQ$wLq4jMbfURDPCuWM96ukbfXl+KAmFrMHkEBAbkzniCc",
            "$pbkdf2-sha512$i=1000$c2l4dGVlbiBieXRlcyA6KQ$7eEy9C8/dUNXPFnHV+zWr10R07BpVpgP0d0DwqvjzKeM8j6pPYeOR40httbvMcBYtKkHmGdcq0z4MP1loCxqTg",
            "$pbkdf2-sha256$1000$c2l4dGVlbiBieXRlcyA6KQ$wLq4jMbfURDPCuWM96ukbfXl.KAmFrMHkEBAbkzniCc",
            "$pbkdf2-sha512$1000$c2l4dGVlbiBieXRlcyA6KQ$7eEy9C8/dUNXPFnHV.zWr10R07BpVpgP0d0DwqvjzKeM8j6pPYeOR40httbvMcBYtKkHmGdcq0z4MP1loCxqTg",
            "pbkdf2_sha256$1000$abcdefghijkl$E1pyZ2RPLMOewjwwKNw1N8BwVlX6ToAMB0h0/vuPDvE=",
        ] {
            assert!(matches(b"P@ssw0rd!", stored) && !matches(b"P@ssw0rd", stored), "{stored}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        let stored = |start: &str| Pbkdf2Hash::parse(&format!("{start}${SALT}${TAG}"));
        assert!(stored("$pbkdf2-sha256$i=2000000").is_ok() && stored("$pbkdf2-sha512$2000000").is_ok());
        let django = |iterations| Pbkdf2Hash::parse(&format!("pbkdf2_sha256${iterations}${SALT}${TAG}="));
        assert!(django("2000000").is_ok());
        let long = format!("$pbkdf2-sha256$i=1000001${SALT}${TAG}{TAG}");
        for refused in [
            stored("$pbkdf2-sha256$i=2000001"),
            stored("$pbkdf2-sha512$i=4294967295"),
            stored("$pbkdf2-sha256$2000001"),
            django("2000001"),
            Pbkdf2Hash::parse(&long),
        ] {
            assert!(matches!(refused, Err(ParseHashError::TooCostly(_))), "{refused:?}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for stored in [
            format!("$pbkdf2-sha256$i=1000${SALT}"),
            format!("$pbkdf2-sha256$i=1000,l=31${SALT}${TAG}"),
            format!("$pbkdf2-sha256$i=1000,x=32${SALT}${TAG}"),
            format!("$pbkdf2-sha256$v=1$i=1000${SALT}${TAG}"),
            format!("$pbkdf2-sha256$i=0${SALT}${TAG}"),
            format!("$pbkdf2-sha256$0${SALT}${TAG}"),
            format!("$pbkdf2-sha256$+1000${SALT}${TAG}"),
            format!("$pbkdf2-sha256$1000$c2FsdA${TAG}"),
            format!("$pbkdf2-sha256$1000${SALT}${}", &TAG[..20]),
            format!("$pbkdf2-sha256$1000${SALT}${TAG}$"),
            format!("$pbkdf2-sha256$4294967296${SALT}${TAG}"),
            format!("pbkdf2_sha256$1000$short${TAG}="),
            format!("pbkdf2_sha256$1000${SALT}${TAG}"),
            format!("pbkdf2_sha256$$1000${SALT}${TAG}="),
        ] {
            let refusal = Pbkdf2Hash::parse(&stored).expect_err(&stored);
            assert!(!matches!(refusal, ParseHashError::TooCostly(_)), "{stored}: {refusal}");
        }
    }
}
