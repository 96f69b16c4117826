//! The documents by which verifiers of access tokens find the keys.

use serde::Serialize;
use serde_json::Value;

use super::ended_sessions::ENDED_SESSIONS_PATH;
use crate::origin::PublicUrl;

/// The path of the public keys.
pub(crate) const JWKS_PATH: &str = "/.well-known/jwks.json";
/// The paths of the discovery document. RFC 8414, section 3.1, inserts the well-known part before the path of the issuer,
/// and `OpenID` Connect Discovery 1.0, section 4, appends it. The public URL has no path, so both are at the root.
pub(crate) const DISCOVERY_PATHS: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

/// Whether pages of every origin may read the document at `path`. These documents contain public keys, their location and the
/// ids of ended sessions.
pub(crate) fn is_public_document(path: &str) -> bool {
    path == JWKS_PATH || path == ENDED_SESSIONS_PATH || DISCOVERY_PATHS.contains(&path)
}

/// The metadata of the issuer (RFC 8414, section 2).
///
/// It has no endpoints, because the service has neither OAuth nor `OpenID` Connect endpoints. RFC 8414 omits empty lists.
/// Here, the first of the two is a required member, and without the second two grant types would be the default.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    jwks_uri: String,
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 0],
    subject_types_supported: [&'static str; 1],
    /// The algorithms of the published keys. No registered member is for those of access tokens.
    id_token_signing_alg_values_supported: Vec<&'a str>,
}

/// The discovery document of an issuer with these public keys.
pub(crate) fn document(issuer: &PublicUrl, jwks: &Value) -> Value {
    let keys = jwks["keys"].as_array().map_or(&[][..], Vec::as_slice);
    let mut algorithms: Vec<_> = keys.iter().filter_map(|key| key["alg"].as_str()).collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    let metadata = Metadata {
        issuer: issuer.as_str(),
        jwks_uri: format!("{issuer}{JWKS_PATH}"),
        response_types_supported: [],
        grant_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: algorithms,
    };
    serde_json::to_value(metadata).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn document_names_the_issuer_the_keys_and_their_algorithms() {
        let issuer = PublicUrl::parse("https://auth.example.com").expect("a URL");
        let jwks = json!({"keys": [{"alg": "ES256"}, {"alg": "EdDSA"}, {"alg": "ES256"}]});
        assert_eq!(
            document(&issuer, &jwks),
            json!({
                "issuer": "https://auth.example.com",
                "jwks_uri": "https://auth.example.com/.well-known/jwks.json",
                "response_types_supported": [],
                "grant_types_supported": [],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256", "EdDSA"],
            })
        );
    }

    #[test]
    fn only_keys_discovery_and_ended_sessions_are_public() {
        for path in [JWKS_PATH, ENDED_SESSIONS_PATH, DISCOVERY_PATHS[0], DISCOVERY_PATHS[1]] {
            assert!(is_public_document(path));
        }
        for path in ["/", "/docs", "/.well-known/", "/.well-known/jwks.json/", "/v1/.well-known/jwks.json"] {
            assert!(!is_public_document(path));
        }
    }
}
