//! scrypt hashes (RFC 7914), as PHC strings: `$scrypt$ln=17,r=8,p=1$salt$tag`.

use argon2::password_hash::phc::{Output, Salt};
use scrypt::Params;
use zeroize::Zeroizing;

use super::error::{HashingError, ParseHashError};
use super::memory::Memory;
use super::params::{MIN_SALT_BYTES, MIN_TAG_BYTES, parse_phc};

/// The maximum blocks of 128 bytes, N·r: 128 MiB, as in the strongest row of the OWASP Password Storage
/// Cheat Sheet.
const MAX_BLOCKS: u64 = 1 << 20;
/// The maximum work, N·r·p: twice the strongest row, about 1 s of a core.
const MAX_WORK: u64 = 1 << 21;
/// The maximum r and p. They keep the second buffer, 128·r·p bytes, small in comparison with the blocks.
const MAX_R: u32 = 64;
const MAX_P: u32 = 64;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScryptHash {
    params: Params,
    /// N·r·128.
    bytes: usize,
    salt: Salt,
    tag: Output,
}

fn malformed() -> ParseHashError {
    ParseHashError::Malformed("scrypt")
}

impl ScryptHash {
    pub(super) fn parse(stored: &str) -> Result<Self, ParseHashError> {
        let (hash, salt, tag) = parse_phc(stored)?;
        let param = |name: &str| hash.params.get_decimal(name);
        let (Some(ln), Some(r), Some(p), 3, None) =
            (param("ln"), param("r"), param("p"), hash.params.iter().count(), hash.version)
        else {
            return Err(malformed());
        };
        if ln == 0 || r == 0 || p == 0 || salt.len() < MIN_SALT_BYTES || tag.len() < MIN_TAG_BYTES {
            return Err(malformed());
        }
        let blocks = 1u64.checked_shl(ln).and_then(|n| n.checked_mul(r.into())).unwrap_or(u64::MAX);
        let is_affordable =
            blocks <= MAX_BLOCKS && blocks * u64::from(p) <= MAX_WORK && r <= MAX_R && p <= MAX_P;
        if !is_affordable {
            return Err(ParseHashError::TooCostly(format!("scrypt with ln={ln}, r={r}, p={p}")));
        }
        let params = u8::try_from(ln).ok().and_then(|ln| Params::new(ln, r, p).ok()).ok_or_else(malformed)?;
        let bytes = usize::try_from(128 * blocks).map_err(|_| malformed())?;
        Ok(Self { params, bytes, salt, tag })
    }

    /// Whether this is the hash of `password`. [`Output`] compares tags in constant time.
    pub(super) fn matches(&self, password: &[u8], memory: &Memory) -> Result<bool, HashingError> {
        let mut tag = Zeroizing::new([0; Output::MAX_LENGTH]);
        let tag = &mut tag[..self.tag.len()];
        memory.run_exclusively(self.bytes, || scrypt::scrypt(password, &self.salt, &self.params, tag))??;
        Ok(Output::new(tag).map_err(HashingError::Tag)? == self.tag)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::engine::Engine;
    use super::*;

    fn matches(password: &[u8], stored: &str) -> bool {
        let memory = Memory::new(Engine::Portable, 8, Arc::default());
        ScryptHash::parse(stored).expect("a hash").matches(password, &memory).expect("computed")
    }

    /// RFC 7914, section 12, the third vector; the salts of the others are shorter than a PHC string has them.
    #[test]
    fn the_vector_of_the_rfc_is_verified() {
        const STORED: &str = "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw";
        assert!(matches(b"pleaseletmein", STORED) && !matches(b"pleaseletmeout", STORED));
    }

    /// Made by Python's hashlib (OpenSSL) and by passlib 1.7.4.
    #[test]
    fn what_other_programs_made_is_verified() {
        for stored in [
            "$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlcyA6KQ$ZREHvOsfmIYxwHCtyW3D2IMz1O/X82EcQn1VGnvZS8I",
            "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlcyA6KQ$Lud9bSGZrtIUX4R1jBCjUc8su8b4T2+CpDuCeKdP4fg",
        ] {
            assert!(matches(b"P@ssw0rd!", stored) && !matches(b"P@ssw0rd", stored), "{stored}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        const SALT: &str = "c2l4dGVlbiBieXRlcyA6KQ";
        const TAG: &str = "3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg";
        for stored in [
            format!("$scrypt$ln=10,r=8,p=1${SALT}"),
            format!("$scrypt$ln=10,r=8,p=1$c2FsdA${TAG}"),
            format!("$scrypt$ln=10,r=8,p=1${SALT}${}", &TAG[..20]),
            format!("$scrypt$ln=10,r=8,p=1,x=1${SALT}${TAG}"),
            format!("$scrypt$v=1$ln=10,r=8,p=1${SALT}${TAG}"),
            format!("$scrypt$ln=10,r=8${SALT}${TAG}"),
            format!("$scrypt$ln=0,r=8,p=1${SALT}${TAG}"),
            format!("$scrypt$ln=10,r=0,p=1${SALT}${TAG}"),
            format!("$scrypt$ln=10,r=8,p=0${SALT}${TAG}"),
            format!("$scrypt$ln=-1,r=8,p=1${SALT}${TAG}"),
        ] {
            let refusal = ScryptHash::parse(&stored).expect_err(&stored);
            assert!(!matches!(refusal, ParseHashError::TooCostly(_)), "{stored}: {refusal}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        let stored = |ln: u32, r: u32, p: u32| {
            ScryptHash::parse(&format!(
                "$scrypt$ln={ln},r={r},p={p}$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg"
            ))
        };
        for (ln, r, p) in [(17, 8, 1), (17, 8, 2), (13, 8, 10), (14, 64, 2), (1, 1, 64)] {
            assert!(stored(ln, r, p).is_ok(), "{ln}/{r}/{p}");
        }
        for (ln, r, p) in [
            (18, 8, 1),
            (17, 8, 3),
            (20, 1, 3),
            (1, 65, 1),
            (1, 1, 65),
            (63, 2, 1),
            (64, 1, 1),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert!(matches!(stored(ln, r, p), Err(ParseHashError::TooCostly(_))), "{ln}/{r}/{p}");
        }
    }
}
