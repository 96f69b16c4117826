//! Another library signs what the codec verifies, and verifies what the codec signs.
#![cfg(feature = "jwt")]

mod token_fixture;

use auth_infra::token::KeyAlgorithm;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use token_fixture::{ISSUER, Issuer, PAYLOAD, claims, object};

#[test]
fn anybody_with_the_jwk_set_and_an_ordinary_library_verifies_a_token() {
    for (algorithm, named) in
        [(KeyAlgorithm::Ed25519, Algorithm::EdDSA), (KeyAlgorithm::P256, Algorithm::ES256)]
    {
        let issuer = Issuer::new(algorithm);
        // Not the only key, so that it has to be found.
        issuer.keys.rotate().expect("rotated");
        let token = issuer.token();

        let set: JwkSet = serde_json::from_value(issuer.keys.jwks()).expect("a JWK set");
        let header = decode_header(&token).expect("a header");
        assert_eq!((header.alg, header.typ.as_deref()), (named, Some("at+jwt")));
        let jwk: &Jwk = set.find(header.kid.as_deref().expect("a kid")).expect("its key");
        let mut validation = Validation::new(named);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        // The claims of the test have long expired.
        validation.validate_exp = false;
        let verified = decode::<Value>(&token, &DecodingKey::from_jwk(jwk).expect("a key"), &validation);
        assert_eq!(
            verified.expect("verified").claims,
            json!({
                "iss": ISSUER,
                "aud": ISSUER,
                "sub": claims().user_id.to_string(),
                "jti": claims().token_id.to_string(),
                "sid": claims().session_id.to_string(),
                "client_id": "example",
                "roles": ["admin", "customer"],
                "iat": 1_755_080_130,
                "exp": 1_755_081_030,
            })
        );
    }
}

#[test]
fn what_another_library_signs_with_the_key_is_verified() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let issuer = Issuer::new(algorithm);
        let token = issuer.sign(issuer.header(), object(&PAYLOAD));
        assert_eq!(issuer.verify(&token), Some(claims()));
    }
}
