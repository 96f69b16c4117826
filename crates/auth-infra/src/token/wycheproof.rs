//! The layers of a token's verification, each alone, over the vectors of Wycheproof. `tests/token_wycheproof.rs` runs
//! them through the whole codec.
//!
//! The vectors test signatures, and their tokens are neither access tokens nor refresh tokens. The signature layer therefore accepts each
//! correctly signed token, and the header layer refuses it.

use jsonwebtoken::DecodingKey;
use serde_json::Value;

use super::algorithm::KeyAlgorithm;
use super::compact::Compact;
use super::key::is_signature;
use super::wire::{TokenHeader, TokenKind};

const ES256: &str = include_str!("../../tests/data/wycheproof/jws_es256.json");
const FOREIGN: &str = include_str!("../../tests/data/wycheproof/foreign.json");

fn hex(digits: &Value) -> Vec<u8> {
    let digits = digits.as_str().expect("hexadecimal digits");
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
    (0..digits.len()).step_by(2).map(pair).collect()
}

fn groups(vectors: &str) -> Vec<Value> {
    let mut vectors: Value = serde_json::from_str(vectors).expect("JSON");
    serde_json::from_value(vectors["testGroups"].take()).expect("groups")
}

fn tests(group: &Value) -> &[Value] {
    group["tests"].as_array().expect("tests")
}

fn text<'a>(test: &'a Value, member: &str) -> &'a str {
    test[member].as_str().expect("a text")
}

fn public_key(group: &Value, algorithm: KeyAlgorithm) -> DecodingKey {
    algorithm.decoding_key(&hex(&group["publicKey"]))
}

/// Runs a file of vectors; how many there were of each result, valid first.
fn run(
    vectors: &str,
    algorithm: KeyAlgorithm,
    is_valid: impl Fn(&DecodingKey, &Value) -> bool,
) -> [usize; 2] {
    let mut counts = [0, 0];
    for group in groups(vectors) {
        let public = public_key(&group, algorithm);
        for test in tests(&group) {
            let expected = test["result"] == "valid";
            assert_eq!(is_valid(&public, test), expected, "{test}");
            counts[usize::from(!expected)] += 1;
        }
    }
    counts
}

/// The layer of signatures: the token is taken apart, and its key signed it.
fn is_signed(public: &DecodingKey, token: &str) -> bool {
    Compact::parse(token).is_some_and(|token| {
        is_signature(KeyAlgorithm::P256, public, token.signed.as_bytes(), &token.signature)
            && token.payload().is_some()
    })
}

/// The layer of headers: the header has the type of this kind, and no unknown member.
fn is_of_kind(kind: TokenKind, token: &str) -> bool {
    Compact::parse(token).is_some_and(|token| TokenHeader::parse(kind, &token.header).is_some())
}

#[test]
fn signatures_are_verified_as_wycheproof_expects() {
    for (vectors, algorithm, expected) in [
        (include_str!("../../tests/data/wycheproof/ed25519.json"), KeyAlgorithm::Ed25519, [5, 28]),
        (include_str!("../../tests/data/wycheproof/p256.json"), KeyAlgorithm::P256, [8, 24]),
    ] {
        let counts = run(vectors, algorithm, |public, test| {
            is_signature(algorithm, public, &hex(&test["msg"]), &hex(&test["sig"]))
        });
        assert_eq!(counts, expected);
    }
}

#[test]
fn tokens_are_parsed_and_verified_as_wycheproof_expects() {
    let counts = run(ES256, KeyAlgorithm::P256, |public, test| is_signed(public, text(test, "jws")));
    assert_eq!(counts, [2, 37]);
}

#[test]
fn signed_tokens_are_refused_for_the_missing_type_only() {
    let mut typed = 0;
    for group in groups(ES256) {
        for test in tests(&group).iter().filter(|test| test["result"] == "valid") {
            let untyped = Compact::parse(text(test, "jws")).expect("a token").header;
            for (kind, typ, other) in [
                (TokenKind::Access, "at+jwt", TokenKind::Refresh),
                (TokenKind::Refresh, "rt+jwt", TokenKind::Access),
            ] {
                assert!(TokenHeader::parse(kind, &untyped).is_none(), "{test}");
                let mut header: Value = serde_json::from_slice(&untyped).expect("JSON");
                header["typ"] = typ.into();
                let header = header.to_string();
                assert!(TokenHeader::parse(other, header.as_bytes()).is_none(), "{header}");
                let header = TokenHeader::parse(kind, header.as_bytes()).expect("a header of ours");
                assert!(header.has_algorithm(KeyAlgorithm::P256));
            }
            typed += 1;
        }
    }
    assert_eq!(typed, 2);
}

#[test]
fn tokens_of_other_algorithms_are_refused_by_each_layer_alone() {
    let public = public_key(&groups(ES256)[0], KeyAlgorithm::P256);
    let foreign = groups(FOREIGN);
    let tokens: Vec<_> = foreign.iter().flat_map(tests).map(|test| text(test, "token")).collect();
    assert_eq!(tokens.len(), 108);
    for token in tokens {
        assert!(!is_signed(&public, token), "{token}");
        assert!(!is_of_kind(TokenKind::Access, token), "{token}");
        assert!(!is_of_kind(TokenKind::Refresh, token), "{token}");
    }
}
