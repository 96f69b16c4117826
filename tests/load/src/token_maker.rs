//! Access tokens in any number, signed with the key of a server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use auth_domain::model::{AccessClaims, TokenId};
use auth_domain::ports::AccessTokenCodec as _;
use auth_infra::system::{SystemClock, SystemRandom};
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm, KeyRing, TokenLifetimes};
use e2e::{PUBLIC_URL, TestData};

/// The maximum lifetime of a token that is read here.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes copies of an access token that differ only in their id.
pub struct TokenMaker {
    codec: JwtCodec,
    claims: AccessClaims,
}

impl TokenMaker {
    /// Reads the key directory of a server, and the claims of a token that the server issued.
    ///
    /// # Errors
    /// If the directory cannot be read, or if its keys do not verify the token.
    pub fn open(data: &TestData, token: &str) -> Result<Self> {
        let lifetimes =
            TokenLifetimes { access: LIFETIME, renewal: LIFETIME, leeway: Duration::from_secs(5) };
        let folder = data.data_dir().join("keys");
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        // The directory has a key, so the algorithm of new keys does not matter.
        let keys = KeyRing::open(&folder, KeyAlgorithm::P256, lifetimes, clock, random)?;
        let codec = JwtCodec::new(Arc::new(keys), JwtSettings::of(PUBLIC_URL));
        let claims = codec.verify(token).context("a token of another key")?;
        Ok(Self { codec, claims })
    }

    /// Signs this number of tokens.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn make(&self, count: usize) -> Result<Vec<String>> {
        let tokens = (0..count).map(|_| {
            let claims = AccessClaims { token_id: TokenId::generate(&SystemRandom), ..self.claims.clone() };
            Ok(self.codec.sign(&claims)?.expose().to_owned())
        });
        tokens.collect()
    }
}
