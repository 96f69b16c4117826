//! The stored form of consumed credentials.

use auth_domain::model::{ConsumedCredential, SecretDigest, SuccessorNonce, Timestamp};

/// The length of one credential: the digest, the time in microseconds since the Unix epoch, and the nonce.
const LENGTH: usize = 32 + 8 + 16;

pub(crate) fn encode(consumed: &[ConsumedCredential]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(consumed.len() * LENGTH);
    for ConsumedCredential { digest, at, nonce } in consumed {
        bytes.extend_from_slice(digest.as_bytes());
        bytes.extend_from_slice(&at.unix_micros().to_be_bytes());
        bytes.extend_from_slice(nonce.as_bytes());
    }
    bytes
}

/// Returns `None` for bytes that [`encode`] does not write.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<ConsumedCredential>> {
    let (credentials, rest) = bytes.as_chunks::<LENGTH>();
    rest.is_empty().then(|| credentials.iter().filter_map(decode_one).collect())
}

fn decode_one(bytes: &[u8; LENGTH]) -> Option<ConsumedCredential> {
    let (digest, rest) = bytes.split_first_chunk()?;
    let (at, nonce) = rest.split_first_chunk()?;
    Some(ConsumedCredential {
        digest: SecretDigest::from_bytes(*digest),
        at: Timestamp::from_unix_micros(i64::from_be_bytes(*at)),
        nonce: SuccessorNonce::from_bytes(nonce.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumed_credentials_round_trip() {
        let consumed = [1, 2, 3].map(|number| ConsumedCredential {
            digest: SecretDigest::from_bytes([number; 32]),
            at: Timestamp::from_unix_micros(1_755_080_130_123_457 + i64::from(number)),
            nonce: SuccessorNonce::from_bytes([number + 10; 16]),
        });
        for count in 0..=3 {
            let bytes = encode(&consumed[..count]);
            assert_eq!(bytes.len(), count * 56);
            assert_eq!(decode(&bytes).as_deref(), Some(&consumed[..count]));
        }
    }

    #[test]
    fn truncated_credentials_are_corrupt() {
        assert_eq!(decode(&[0; 55]), None);
        assert_eq!(decode(&[0; 113]), None);
    }
}
