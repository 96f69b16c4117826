//! scrypt hashes (RFC 7914) in the spellings of several programs.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use scrypt::Params;
use zeroize::Zeroizing;

use super::cost::{Cost, Step};
use super::encoding::{base64, hex, number, parameters};
use super::error::{HashingError, ParseHashError};
use super::memory::Memory;
use super::params::{MAX_TAG_BYTES, MIN_SALT_BYTES, MIN_TAG_BYTES};

/// The maximum blocks of 128 bytes, N·r: 128 MiB, as in the strongest row of the OWASP Password Storage
/// Cheat Sheet.
const MAX_BLOCKS: u64 = 1 << 20;
/// The maximum work, N·r·p: twice the strongest row, about 1 s of a core.
const MAX_WORK: u64 = 1 << 21;
/// The maximum r and p. They keep the second buffer, 128·r·p bytes, small in comparison with the blocks.
const MAX_R: u32 = 64;
const MAX_P: u32 = 64;

/// The cost parameters of scrypt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScryptParams {
    params: Params,
    /// N·r: the blocks of 128 bytes.
    blocks: u64,
}

impl ScryptParams {
    /// `log_n` is the logarithm of N to the base 2.
    pub(super) fn new(log_n: u32, r: u32, p: u32) -> Result<Self, ParseHashError> {
        if log_n == 0 || r == 0 || p == 0 {
            return Err(malformed());
        }
        let blocks = 1u64.checked_shl(log_n).and_then(|n| n.checked_mul(r.into())).unwrap_or(u64::MAX);
        let is_affordable =
            blocks <= MAX_BLOCKS && blocks * u64::from(p) <= MAX_WORK && r <= MAX_R && p <= MAX_P;
        if !is_affordable {
            return Err(ParseHashError::TooCostly(format!(
                "scrypt with ln={log_n}, r={r}, p={p}, at most N·r = {MAX_BLOCKS}, N·r·p = {MAX_WORK}, r = {MAX_R} and p = {MAX_P}"
            )));
        }
        let params = u8::try_from(log_n).ok().and_then(|log_n| Params::new(log_n, r, p).ok());
        Ok(Self { params: params.ok_or_else(malformed)?, blocks })
    }

    /// `n` is N itself.
    fn with_n(n: u32, r: u32, p: u32) -> Result<Self, ParseHashError> {
        if n.is_power_of_two() { Self::new(n.ilog2(), r, p) } else { Err(malformed()) }
    }

    /// Computes a tag or a key of the length of `output`.
    pub(super) fn compute(
        &self,
        password: &[u8],
        salt: &[u8],
        output: &mut [u8],
        memory: &Memory,
    ) -> Result<(), HashingError> {
        let bytes = usize::try_from(self.cost().memory_bytes).unwrap_or(usize::MAX);
        Ok(memory.run_exclusively(bytes, || scrypt::scrypt(password, salt, &self.params, output))??)
    }

    pub(super) fn cost(&self) -> Cost {
        let steps = self.blocks * u64::from(self.params.p());
        Cost { step: Step::Scrypt, steps, memory_bytes: 128 * self.blocks }
    }

    /// What the OWASP Password Storage Cheat Sheet asks for and these parameters do not have.
    pub(super) fn weakness(&self) -> Option<String> {
        // The rows of OWASP with the least memory (N = 2^13, r = 8) and with the least work (the same row, p = 10).
        const LEAST: (u64, u64) = (1 << 16, 10 << 16);
        (self.blocks < LEAST.0 || self.cost().steps < LEAST.1).then(|| {
            format!(
                "uses scrypt with N=2^{}, r={}, p={}; OWASP asks for at least N=2^17, r=8, p=1 or equal work",
                self.params.log_n(),
                self.params.r(),
                self.params.p()
            )
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScryptHash {
    pub(super) params: ScryptParams,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

fn malformed() -> ParseHashError {
    ParseHashError::Malformed("scrypt")
}

impl ScryptHash {
    pub(super) fn new(
        params: ScryptParams,
        salt: Option<Vec<u8>>,
        tag: Option<Vec<u8>>,
    ) -> Result<Self, ParseHashError> {
        let salt = salt.filter(|salt| salt.len() >= MIN_SALT_BYTES);
        let tag = tag.filter(|tag| (MIN_TAG_BYTES..=MAX_TAG_BYTES).contains(&tag.len()));
        match (salt, tag) {
            (Some(salt), Some(tag)) => Ok(Self { params, salt, tag }),
            _ => Err(malformed()),
        }
    }

    /// Reads the rest of `$scrypt$ln=17,r=8,p=1$salt$tag`: a PHC string of passlib and others, or one of Ory Kratos,
    /// where `ln` is N itself.
    pub(super) fn parse_phc(rest: &str) -> Result<Self, ParseHashError> {
        let [params, salt, tag] = split(rest, '$')?;
        let [ln, r, p] = parameters(params, ["ln", "r", "p"]).ok_or_else(malformed)?;
        let (ln, r, p) = (integer(&ln)?, integer(&r)?, integer(&p)?);
        let params = match ln {
            64.. if ln.is_power_of_two() => ScryptParams::with_n(ln, r, p)?,
            _ => ScryptParams::new(ln, r, p)?,
        };
        Self::new(params, base64(salt), base64(tag))
    }

    /// Reads the rest of Django's `scrypt$16384$salt$8$5$tag`. The salt is plain text.
    pub(super) fn parse_django(rest: &str) -> Result<Self, ParseHashError> {
        let [n, salt, r, p, tag] = split(rest, '$')?;
        let params = ScryptParams::with_n(integer(n)?, integer(r)?, integer(p)?)?;
        Self::new(params, Some(salt.into()), base64(tag))
    }

    /// Reads the rest of Werkzeug's `scrypt:32768:8:1$salt$tag`. The salt is plain text, the tag hexadecimal.
    pub(super) fn parse_werkzeug(rest: &str) -> Result<Self, ParseHashError> {
        let [params, salt, tag] = split(rest, '$')?;
        let [n, r, p] = split(params, ':')?;
        let params = ScryptParams::with_n(integer(n)?, integer(r)?, integer(p)?)?;
        Self::new(params, Some(salt.into()), hex(tag))
    }

    /// Reads Spring's `$e0801$salt$tag`. The number is hexadecimal: the logarithm of N, and a byte each of r and p.
    pub(super) fn parse_spring(stored: &str) -> Result<Self, ParseHashError> {
        let ["", params, salt, tag] = split(stored, '$')? else { return Err(malformed()) };
        let params = u32::from_str_radix(params, 16).map_err(|_| malformed())?;
        let params = ScryptParams::new(params >> 16, (params >> 8) & 0xff, params & 0xff)?;
        Self::new(params, base64(salt), base64(tag))
    }

    /// Reads `salt:tag` in hexadecimal digits, as programs on Node store it, with N = 16384, p = 1 and the given r. They
    /// use the digits of the salt as its bytes.
    pub(super) fn parse_node(salt: &str, tag: &str, r: u32) -> Result<Self, ParseHashError> {
        Self::new(ScryptParams::new(14, r, 1)?, Some(salt.into()), hex(tag))
    }

    /// Whether this is the hash of `password`. The comparison takes constant time.
    pub(super) fn matches(&self, password: &[u8], memory: &Memory) -> Result<bool, HashingError> {
        let mut tag = Zeroizing::new([0; MAX_TAG_BYTES]);
        let tag = &mut tag[..self.tag.len()];
        self.params.compute(password, &self.salt, tag, memory)?;
        Ok(verify_slices_are_equal(tag, &self.tag).is_ok())
    }
}

fn split<const N: usize>(text: &str, separator: char) -> Result<[&str; N], ParseHashError> {
    text.split(separator).collect::<Vec<_>>().try_into().map_err(|_| malformed())
}

fn integer(text: &str) -> Result<u32, ParseHashError> {
    number(text).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::engine::Engine;
    use super::*;

    fn parse(stored: &str) -> Result<ScryptHash, ParseHashError> {
        ScryptHash::parse_phc(stored.strip_prefix("$scrypt$").expect("the prefix"))
    }

    fn matches(password: &[u8], stored: &str) -> bool {
        let memory = Memory::new(Engine::Portable, 8, Arc::default());
        parse(stored).expect("a hash").matches(password, &memory).expect("computed")
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
            let refusal = parse(&stored).expect_err(&stored);
            assert!(!matches!(refusal, ParseHashError::TooCostly(_)), "{stored}: {refusal}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        let stored = |ln: u32, r: u32, p: u32| {
            parse(&format!(
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
            (65, 1, 1),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert!(matches!(stored(ln, r, p), Err(ParseHashError::TooCostly(_))), "{ln}/{r}/{p}");
        }
    }
}
