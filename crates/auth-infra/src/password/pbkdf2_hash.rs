//! PBKDF2 hashes (RFC 8018, section 5.2) in the spellings of several programs.

use std::num::NonZero;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};

use super::cost::{Cost, Step};
use super::encoding::{base64, hex, number, parameters, passlib_base64};
use super::error::ParseHashError;
use super::params::{MAX_TAG_BYTES, MIN_SALT_BYTES, MIN_TAG_BYTES};

/// The maximum iterations, times the blocks of the tag: about 1 s of a core.
const MAX_ITERATIONS: u32 = 2_000_000;
/// The maximum bytes of a salt.
const MAX_SALT_BYTES: usize = 128;

/// The hash function of the HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

impl Prf {
    fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The name, and the iterations that the OWASP Password Storage Cheat Sheet asks for.
    fn owasp(self) -> (&'static str, u32) {
        match self {
            Self::Sha1 => ("SHA-1", 1_300_000),
            Self::Sha256 => ("SHA-256", 600_000),
            Self::Sha512 => ("SHA-512", 210_000),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pbkdf2Hash {
    prf: Prf,
    iterations: NonZero<u32>,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Pbkdf2Hash {
    fn new(
        prf: Prf,
        iterations: u32,
        salt: Option<Vec<u8>>,
        tag: Option<Vec<u8>>,
    ) -> Result<Self, ParseHashError> {
        let salt = salt.filter(|salt| (MIN_SALT_BYTES..=MAX_SALT_BYTES).contains(&salt.len()));
        let tag = tag.filter(|tag| (MIN_TAG_BYTES..=MAX_TAG_BYTES).contains(&tag.len()));
        let (Some(salt), Some(tag), Some(iterations)) = (salt, tag, NonZero::new(iterations)) else {
            return Err(malformed());
        };
        let hash = Self { prf, iterations, salt, tag };
        if hash.cost().steps > MAX_ITERATIONS.into() {
            return Err(ParseHashError::TooCostly(format!(
                "PBKDF2 with {iterations} iterations, at most {MAX_ITERATIONS} for each block of the tag"
            )));
        }
        Ok(hash)
    }

    /// Reads the rest of one of two forms:
    /// - the PHC string `$pbkdf2-sha256$i=600000,l=32$salt$tag`, where `l`, the bytes of the tag, may be left out;
    /// - passlib's `$pbkdf2-sha256$29000$salt$tag`, whose Base64 has `.` for `+`.
    pub(super) fn parse_phc(prf: Prf, rest: &str) -> Result<Self, ParseHashError> {
        let [params, salt, tag] = split(rest, '$')?;
        if let Some(iterations) = number(params) {
            return Self::new(prf, iterations, passlib_base64(salt), passlib_base64(tag));
        }
        let (iterations, length) = if let Some([iterations, length]) = parameters(params, ["i", "l"]) {
            (iterations, Some(integer(&length)?))
        } else {
            let [iterations] = parameters(params, ["i"]).ok_or_else(malformed)?;
            (iterations, None)
        };
        let tag =
            base64(tag).filter(|tag| length.is_none_or(|length| usize::try_from(length) == Ok(tag.len())));
        Self::new(prf, integer(&iterations)?, base64(salt), tag)
    }

    /// Reads the rest of Django's `pbkdf2_sha256$600000$salt$tag`. The salt is plain text.
    pub(super) fn parse_django(prf: Prf, rest: &str) -> Result<Self, ParseHashError> {
        let [iterations, salt, tag] = split(rest, '$')?;
        Self::new(prf, integer(iterations)?, Some(salt.into()), base64(tag))
    }

    /// Reads the rest of Werkzeug's `pbkdf2:sha256:600000$salt$tag`. The salt is plain text, the tag hexadecimal.
    pub(super) fn parse_werkzeug(prf: Prf, rest: &str) -> Result<Self, ParseHashError> {
        let [iterations, salt, tag] = split(rest, '$')?;
        Self::new(prf, integer(iterations)?, Some(salt.into()), hex(tag))
    }

    /// Reads what follows Spring's `{pbkdf2}`: the hexadecimal digits of a salt of `salt_bytes` and of the tag.
    pub(super) fn parse_spring(
        (prf, iterations, salt_bytes): (Prf, u32, usize),
        rest: &str,
    ) -> Result<Self, ParseHashError> {
        let mut salt = hex(rest).filter(|bytes| bytes.len() == salt_bytes + 32).ok_or_else(malformed)?;
        let tag = salt.split_off(salt_bytes);
        Self::new(prf, iterations, Some(salt), Some(tag))
    }

    /// Reads what follows Atlassian's `{PKCS5S2}`: Base64 of 16 bytes of salt and 32 of tag, with 10,000 iterations.
    pub(super) fn parse_atlassian(rest: &str) -> Result<Self, ParseHashError> {
        let mut salt = base64(rest).filter(|bytes| bytes.len() == 48).ok_or_else(malformed)?;
        let tag = salt.split_off(16);
        Self::new(Prf::Sha1, 10_000, Some(salt), Some(tag))
    }

    /// Reads the bytes of ASP.NET Core Identity. Version 3 contains the hash function, the iterations and the length of
    /// the salt as big-endian numbers. Version 2 has 1,000 iterations of SHA-1 and 16 bytes of salt.
    pub(super) fn parse_asp_net(bytes: &[u8]) -> Result<Self, ParseHashError> {
        let (prf, iterations, salt, rest) = match bytes {
            [0, rest @ ..] => (Prf::Sha1, 1_000, 16, rest),
            [1, 0, 0, 0, prf, i0, i1, i2, i3, 0, 0, 0, salt, rest @ ..] => {
                let prf = match prf {
                    0 => Prf::Sha1,
                    1 => Prf::Sha256,
                    2 => Prf::Sha512,
                    _ => return Err(malformed()),
                };
                (prf, u32::from_be_bytes([*i0, *i1, *i2, *i3]), usize::from(*salt), rest)
            }
            _ => return Err(malformed()),
        };
        let (salt, tag) = rest.split_at_checked(salt).ok_or_else(malformed)?;
        Self::new(prf, iterations, Some(salt.into()), Some(tag.into()))
    }

    /// Whether this is the hash of `password`. The comparison takes constant time.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let algorithm = match self.prf {
            Prf::Sha1 => PBKDF2_HMAC_SHA1,
            Prf::Sha256 => PBKDF2_HMAC_SHA256,
            Prf::Sha512 => PBKDF2_HMAC_SHA512,
        };
        pbkdf2::verify(algorithm, self.iterations, &self.salt, password, &self.tag).is_ok()
    }

    pub(super) fn cost(&self) -> Cost {
        let blocks = self.tag.len().div_ceil(self.prf.bytes()) as u64;
        let step = match self.prf {
            Prf::Sha1 => Step::Pbkdf2Sha1,
            Prf::Sha256 => Step::Pbkdf2Sha256,
            Prf::Sha512 => Step::Pbkdf2Sha512,
        };
        Cost { step, steps: u64::from(self.iterations.get()) * blocks, memory_bytes: 0 }
    }

    /// What the OWASP Password Storage Cheat Sheet asks for and this hash does not have.
    pub(super) fn weakness(&self) -> Option<String> {
        let (name, least) = self.prf.owasp();
        (self.iterations.get() < least).then(|| {
            format!(
                "uses PBKDF2 of {name} with {} iterations; OWASP asks for at least {least}",
                self.iterations
            )
        })
    }
}

fn malformed() -> ParseHashError {
    ParseHashError::Malformed("PBKDF2")
}

fn split<const N: usize>(text: &str, separator: char) -> Result<[&str; N], ParseHashError> {
    text.split(separator).collect::<Vec<_>>().try_into().map_err(|_| malformed())
}

fn integer(text: &str) -> Result<u32, ParseHashError> {
    number(text).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "c2l4dGVlbiBieXRlcyA6KQ";
    const TAG: &str = "3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg";

    fn parse(stored: &str) -> Result<Pbkdf2Hash, ParseHashError> {
        match stored.split('$').collect::<Vec<_>>()[..] {
            ["pbkdf2_sha256", ..] => Pbkdf2Hash::parse_django(
                Prf::Sha256,
                stored.strip_prefix("pbkdf2_sha256$").expect("a prefix"),
            ),
            ["", name, ..] => {
                let prf = if name == "pbkdf2-sha512" { Prf::Sha512 } else { Prf::Sha256 };
                Pbkdf2Hash::parse_phc(prf, &stored[name.len() + 2..])
            }
            _ => Err(malformed()),
        }
    }

    fn matches(password: &[u8], stored: &str) -> bool {
        parse(stored).expect("a hash").matches(password)
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
                prf: Prf::Sha256,
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
        let stored = |start: &str| parse(&format!("{start}${SALT}${TAG}"));
        assert!(stored("$pbkdf2-sha256$i=2000000").is_ok() && stored("$pbkdf2-sha512$2000000").is_ok());
        let django = |iterations| parse(&format!("pbkdf2_sha256${iterations}${SALT}${TAG}="));
        assert!(django("2000000").is_ok());
        let long = format!("$pbkdf2-sha256$i=1000001${SALT}${TAG}{TAG}");
        for refused in [
            stored("$pbkdf2-sha256$i=2000001"),
            stored("$pbkdf2-sha512$i=4294967295"),
            stored("$pbkdf2-sha256$2000001"),
            django("2000001"),
            parse(&long),
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
            format!("pbkdf2_sha256$$1000${SALT}${TAG}="),
        ] {
            let refusal = parse(&stored).expect_err(&stored);
            assert!(!matches!(refusal, ParseHashError::TooCostly(_)), "{stored}: {refusal}");
        }
    }
}
