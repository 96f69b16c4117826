//! Forged and malformed tokens. Almost all of them have a valid signature, so that each one is refused for its one flaw and
//! not for its signature.
#![cfg(feature = "jwt")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

mod token_fixture;

use auth_domain::model::{
    AccessClaims, ClaimName, ClaimValue, ClientId, ExtraClaims, RefreshClaims, Roles, Timestamp,
};
use auth_domain::ports::{AccessTokenCodec, PortError};
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use token_fixture::{ISSUER, Issuer, Kind, PAYLOAD, claims, encode, object, refresh_claims};

const ALGORITHMS: [KeyAlgorithm; 2] = [KeyAlgorithm::Ed25519, KeyAlgorithm::P256];

fn algorithms_and_kinds() -> impl Iterator<Item = (KeyAlgorithm, Kind)> {
    ALGORITHMS.into_iter().flat_map(|algorithm| Kind::ALL.map(|kind| (algorithm, kind)))
}

/// A payload of an access token whose member `name` has this value, or is missing.
fn payload_with(name: &str, value: Option<&str>) -> String {
    payload_of(Kind::Access, name, value)
}

/// The same for a token of this kind.
fn payload_of(kind: Kind, name: &str, value: Option<&str>) -> String {
    let mut members = kind.members();
    members.retain(|(member, _)| *member != name);
    members.extend(value.map(|value| (name, value)));
    object(&members)
}

#[test]
fn valid_token_is_verified_in_every_json_spelling() {
    for (algorithm, kind) in algorithms_and_kinds() {
        let issuer = Issuer::new(algorithm);
        let (header, payload) = (issuer.header_of(kind), object(&kind.members()));
        let spaced = |json: &str| json.replace(',', ",\r\n\t ").replace(r#"":"#, "\" :\n");
        let escaped = |json: &str| json.replace("t+jwt", r"\u0074+jwt").replace(r#""sub""#, r#""\u0073ub""#);
        for token in [
            issuer.token_of(kind),
            issuer.sign(&header, &payload),
            issuer.sign(spaced(&header), spaced(&payload)),
            issuer.sign(escaped(&header), escaped(&payload)),
        ] {
            assert!(issuer.accepts(kind, &token), "{algorithm} {token}");
        }
    }
}

#[test]
fn tokens_of_one_kind_are_never_of_the_other() {
    for (algorithm, kind) in algorithms_and_kinds() {
        let (issuer, other) = (Issuer::new(algorithm), kind.other());
        let token = issuer.token_of(kind);
        assert!(issuer.accepts(kind, &token), "{algorithm} {token}");
        assert!(!issuer.accepts(other, &token), "{algorithm} {token}");
        // Again, because the first verification may have put the token into the cache.
        assert!(!issuer.accepts(other, &token), "{algorithm} {token}");
        // The type, the audience and the other claims are separate barriers.
        let claims_of_other = issuer.sign(issuer.header_of(kind), object(&other.members()));
        let type_of_other = issuer.sign(issuer.header_of(other), object(&kind.members()));
        let audience = other.members().into_iter().find(|(name, _)| *name == "aud").expect("a member").1;
        let audience_of_other = issuer.sign(issuer.header_of(kind), payload_of(kind, "aud", Some(audience)));
        for token in [claims_of_other, type_of_other, audience_of_other] {
            assert!(!issuer.accepts(kind, &token), "{algorithm} {token}");
            assert!(!issuer.accepts(other, &token), "{algorithm} {token}");
        }
    }
}

#[test]
fn times_are_not_checked_by_the_codec() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    for seconds in [(0, 1), (900, 1), (253_402_300_798, 253_402_300_799)] {
        let issued_at = Timestamp::from_unix_seconds(seconds.0);
        let expires_at = Timestamp::from_unix_seconds(seconds.1);
        let claims = AccessClaims { issued_at, expires_at, ..claims() };
        let token = issuer.codec.sign(&claims).expect("signed");
        assert_eq!(issuer.verify(token.expose()), Some(claims));
        let claims = RefreshClaims { issued_at, expires_at, ..refresh_claims() };
        let token = issuer.codec.sign_refresh(&claims).expect("signed");
        assert_eq!(issuer.codec.verify_refresh(token.expose()), Some(claims));
    }
}

#[test]
fn no_other_header_is_accepted() {
    for (algorithm, kind) in algorithms_and_kinds() {
        let issuer = Issuer::new(algorithm);
        let (kid, alg) = (issuer.kid(), issuer.algorithm().to_string());
        let other = if alg == "EdDSA" { "ES256" } else { "EdDSA" };
        let header = |alg: &str, typ: &str, kid: &str, more: &str| {
            format!(r#"{{"alg":{alg},"typ":{typ},"kid":{kid}{more}}}"#)
        };
        let (alg, kid) = (format!("\"{alg}\""), format!("\"{kid}\""));
        let typ = &format!("\"{}\"", kind.typ());
        let payload = object(&kind.members());
        let with_alg = |alg: &str| header(alg, typ, &kid, "");
        let with_typ = |typ: &str| header(&alg, typ, &kid, "");
        let with_kid = |kid: &str| header(&alg, typ, kid, "");
        let with_more = |more: &str| header(&alg, typ, &kid, more);
        for (flaw, header) in [
            ("alg none", with_alg(r#""none""#)),
            ("alg None", with_alg(r#""None""#)),
            ("alg of the other key type", with_alg(&format!("\"{other}\""))),
            ("alg HS256", with_alg(r#""HS256""#)),
            ("alg by its newer name", with_alg(r#""Ed25519""#)),
            ("alg in lower case", with_alg(&alg.to_lowercase())),
            ("alg with a space", with_alg(&alg.replacen('"', "\" ", 1))),
            ("alg null", with_alg("null")),
            ("alg a list", with_alg(&format!("[{alg}]"))),
            ("typ JWT", with_typ(r#""JWT""#)),
            ("typ in upper case", with_typ(&typ.to_uppercase())),
            ("typ a media type", with_typ(&typ.replacen('"', "\"application/", 1))),
            ("typ of the other kind", with_typ(&format!("\"{}\"", kind.other().typ()))),
            ("typ of an ID token", with_typ(r#""id+jwt""#)),
            ("typ null", with_typ("null")),
            ("kid unknown", with_kid(r#""2025-08-13T101530Z-00000000""#)),
            ("kid empty", with_kid(r#""""#)),
            ("kid null", with_kid("null")),
            ("kid a number", with_kid("0")),
            ("kid with .pem", with_kid(&kid.replace("Z-", "Z-.pem"))),
            ("kid with NUL", with_kid(r#""a\u0000""#)),
            ("kid an absolute path", with_kid(r#""/etc/passwd""#)),
            ("kid that goes up and back", with_kid(&kid.replacen('"', r#""../keys/"#, 1))),
            ("no alg", format!(r#"{{"typ":{typ},"kid":{kid}}}"#)),
            ("no typ", format!(r#"{{"alg":{alg},"kid":{kid}}}"#)),
            ("no kid", format!(r#"{{"alg":{alg},"typ":{typ}}}"#)),
            ("crit", with_more(r#","crit":["exp"],"exp":1"#)),
            ("crit empty", with_more(r#","crit":[]"#)),
            ("b64", with_more(r#","b64":false"#)),
            ("jwk", with_more(r#","jwk":{"kty":"OKP","crv":"Ed25519","x":""}"#)),
            ("jku", with_more(r#","jku":"https://evil.example/jwks.json""#)),
            ("x5u", with_more(r#","x5u":"https://evil.example/""#)),
            ("x5c", with_more(r#","x5c":[""]"#)),
            ("zip", with_more(r#","zip":"DEF""#)),
            ("cty", with_more(r#","cty":"JWT""#)),
            ("an unknown member", with_more(r#","x":1"#)),
            ("alg twice", with_more(&format!(r#","alg":{alg}"#))),
            ("alg twice, escaped", with_more(&format!(r#","\u0061lg":{alg}"#))),
            ("kid twice", with_more(&format!(r#","kid":{kid}"#))),
            ("typ twice", with_more(&format!(r#","typ":{typ}"#))),
            ("twice within a member", with_more(r#","x":{"a":1,"a":2}"#)),
            ("a list", format!("[{alg},{typ},{kid}]")),
            ("a string", alg.clone()),
            ("null", "null".to_owned()),
            ("nothing", String::new()),
            ("an empty object", "{}".to_owned()),
            ("text after the object", with_more("") + "{}"),
            ("a trailing comma", with_more(",")),
            ("a byte order mark", "\u{feff}".to_owned() + &with_more("")),
            ("no JSON", with_more("").replace('"', "'")),
        ] {
            let token = issuer.sign(&header, &payload);
            assert!(!issuer.accepts(kind, &token), "{algorithm}, {flaw}: {header}");
        }
        let mut latin = with_more("").into_bytes();
        latin.insert(2, 0xe4);
        assert!(!issuer.accepts(kind, &issuer.sign(latin, &payload)), "invalid UTF-8");
    }
}

#[test]
fn no_other_claims_are_accepted() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    for (name, value) in [
        ("iss", r#""https://evil.example""#),
        ("iss", r#""https://auth.example.com/""#),
        ("iss", r#""HTTPS://auth.example.com""#),
        ("iss", r#"["https://auth.example.com"]"#),
        ("iss", r#"["https://auth.example.com","https://evil.example"]"#),
        ("aud", r#""https://evil.example""#),
        ("aud", r#""https://auth.example.com/""#),
        ("aud", r#""https://auth.example.com/refresh/""#),
        ("aud", r#"["https://auth.example.com"]"#),
        ("aud", r#"["https://auth.example.com/refresh"]"#),
        ("aud", r#"["https://evil.example","https://auth.example.com"]"#),
        ("exp", "1755081030.0"),
        ("exp", "1.755081030e9"),
        ("exp", r#""1755081030""#),
        ("exp", "-1"),
        ("exp", "-0"),
        ("exp", "01755081030"),
        ("exp", "253402300800"),
        ("exp", "18446744073709551615"),
        ("exp", "18446744073709551616"),
        ("exp", "1e300"),
        ("exp", "null"),
        ("exp", "true"),
        ("iat", "1755080130.5"),
        ("iat", r#""1755080130""#),
        ("iat", "-1"),
        ("iat", "18446744073709551615"),
        ("sub", r#""john""#),
        ("sub", r#""""#),
        ("sub", "1"),
        ("sub", r#""0198A2D1-1111-7C3E-9A5B-3F5E7D9B1C2D""#),
        ("sub", r#""0198a2d111117c3e9a5b3f5e7d9b1c2d""#),
        ("sub", r#""{0198a2d1-1111-7c3e-9a5b-3f5e7d9b1c2d}""#),
        ("sub", r#""urn:uuid:0198a2d1-1111-7c3e-9a5b-3f5e7d9b1c2d""#),
        ("sub", r#"" 0198a2d1-1111-7c3e-9a5b-3f5e7d9b1c2d""#),
        ("jti", r#""1""#),
        ("sid", r#""1""#),
        ("client_id", "null"),
        ("client_id", "1"),
        ("roles", r#""admin""#),
        ("roles", "null"),
        ("roles", r#"["Admin"]"#),
        ("roles", r#"["admin,customer"]"#),
        ("roles", r#"[["admin"]]"#),
        ("roles", "[1]"),
        ("roles", r#"{"admin":true}"#),
        ("nbf", "1"),
        ("nBf", "1"),
        ("Sub", r#""0198a2d1-1111-7c3e-9a5b-3f5e7d9b1c2d""#),
        ("ROLES", r#"["admin"]"#),
        ("sc\\u006fpe", r#""all""#),
        ("cnf", r#""x""#),
        ("_tenant", r#""acme""#),
        ("", r#""acme""#),
        ("tenant", "null"),
        ("tenant", "1.0"),
        ("tenant", "-0"),
        ("tenant", "9007199254740992"),
        ("tenant", "18446744073709551615"),
        ("tenant", "[1]"),
        ("tenant", r#"["acme",null]"#),
        ("tenant", r#"[["acme"]]"#),
        ("tenant", r#"{"name":"acme"}"#),
        ("scope", r#""all""#),
        ("nested", r#"{"a":1,"a":2}"#),
        ("tenant", &format!("\"{}\"", "x".repeat(1_024))),
    ] {
        for kind in Kind::ALL {
            let payload = payload_of(kind, name, Some(value));
            let token = issuer.sign(issuer.header_of(kind), &payload);
            assert!(!issuer.accepts(kind, &token), "{payload}");
        }
    }
}

/// Up to four extra claims of every kind.
fn extra_claims() -> impl Strategy<Value = ExtraClaims> {
    let value = prop_oneof![
        ".{0,20}".prop_map(ClaimValue::Text),
        (-(1_i64 << 53) + 1..1 << 53).prop_map(ClaimValue::Integer),
        any::<bool>().prop_map(ClaimValue::Boolean),
        prop::collection::vec("[a-z\"]{0,9}", 0..4).prop_map(ClaimValue::Texts),
    ];
    prop::collection::btree_map("t-[A-Za-z0-9_.:/-]{0,20}", value, 0..4).prop_map(|claims| {
        let name = |name: &str| ClaimName::parse(name).expect("a name");
        ExtraClaims::new(claims.into_iter().map(|(text, value)| (name(&text), value))).expect("claims")
    })
}

#[test]
fn extra_claims_are_members_of_an_access_token_only() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    for name in ["tenant", "\\u0074enant"] {
        let payload = payload_with(name, Some(r#""acme""#));
        let verified = issuer.verify(&issuer.sign(issuer.header(), payload)).expect("verified");
        assert_eq!(verified.extra.text("tenant"), Some("acme"));
        assert_eq!(AccessClaims { extra: ExtraClaims::default(), ..verified }, claims());
        let refresh = payload_of(Kind::Refresh, name, Some(r#""acme""#));
        assert!(!issuer.accepts(Kind::Refresh, &issuer.sign(issuer.header_of(Kind::Refresh), refresh)));
    }
    let twice = object(&[&Kind::Access.members()[..], &[("tenant", "1"), ("\\u0074enant", "1")]].concat());
    assert_eq!(issuer.verify(&issuer.sign(issuer.header(), twice)), None, "a claim is repeated");
}

#[test]
fn extra_claims_follow_the_registered_ones() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let payload_of = |extra: ExtraClaims| {
        let token = issuer.codec.sign(&AccessClaims { extra, ..claims() }).expect("signed");
        let payload = token.expose().split('.').nth(1).map(|part| URL_SAFE_NO_PAD.decode(part));
        String::from_utf8(payload.expect("three parts").expect("base64url")).expect("JSON")
    };
    let plain = payload_of(ExtraClaims::default());
    let expected = r#"{"iss":"https://auth.example.com","aud":"https://auth.example.com","#.to_owned()
        + r#""sub":"0198a2d1-1111-7c3e-9a5b-3f5e7d9b1c2d","exp":1755081030,"iat":1755080130,"#
        + r#""jti":"0198a2d1-5a3f-7c3e-9a5b-3f5e7d9b1c2d","sid":"0198a2d1-2222-7c3e-9a5b-3f5e7d9b1c2d","#
        + r#""client_id":"example","roles":["admin","customer"]}"#;
    assert_eq!(plain, expected, "without extra claims, the payload is unchanged");
    let name = |name: &str| ClaimName::parse(name).expect("a name");
    let extra = ExtraClaims::new([
        (name("tenant"), "\"acme\"".into()),
        (name("seats"), 25.into()),
        (name("trial"), true.into()),
        (name("groups"), vec!["a".to_owned()].into()),
    ]);
    let more = r#","groups":["a"],"seats":25,"tenant":"\"acme\"","trial":true}"#;
    assert_eq!(payload_of(extra.expect("claims")), plain.trim_end_matches('}').to_owned() + more);
}

#[test]
fn every_claim_is_required_once() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let is_accepted =
        |kind, payload: &str| issuer.accepts(kind, &issuer.sign(issuer.header_of(kind), payload));
    for kind in Kind::ALL {
        for (name, value) in kind.members() {
            assert!(!is_accepted(kind, &payload_of(kind, name, None)), "without {name}");
            let escaped = format!("\\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
            for again in [name, &escaped] {
                let twice = object(&[&kind.members()[..], &[(again, value)]].concat());
                assert!(!is_accepted(kind, &twice), "{twice}");
            }
        }
    }
}

#[test]
fn payload_must_be_an_object() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let order = ["iss", "aud", "sub", "exp", "iat", "jti", "sid", "client_id", "roles"];
    for kind in Kind::ALL {
        let (header, members) = (issuer.header_of(kind), kind.members());
        let good = object(&members);
        let values = order.iter().filter_map(|name| members.iter().find(|(member, _)| member == name));
        let values: Vec<_> = values.map(|(_, value)| *value).collect();
        for payload in [
            String::new(),
            "{}".to_owned(),
            "null".to_owned(),
            format!("[{good}]"),
            format!("[{}]", values.join(",")),
            format!("{good}{good}"),
            format!("{good}x"),
            format!("\u{feff}{good}"),
            good.replace('}', ",}"),
            "[".repeat(2_000),
            "{\"a\":".repeat(500),
        ] {
            assert!(!issuer.accepts(kind, &issuer.sign(&header, &payload)), "{payload}");
        }
        let mut latin = good.into_bytes();
        latin.insert(2, 0xe4);
        assert!(!issuer.accepts(kind, &issuer.sign(&header, latin)), "invalid UTF-8");
    }
}

#[test]
fn token_has_only_one_accepted_spelling() {
    for (algorithm, kind) in algorithms_and_kinds() {
        let issuer = Issuer::new(algorithm);
        let token = issuer.token_of(kind);
        let [header, payload, signature] = *token.split('.').collect::<Vec<_>>() else {
            panic!("three parts")
        };
        let json = format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#);
        let general = format!(
            r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
        );
        for (flaw, token) in [
            ("nothing", String::new()),
            ("one part", header.to_owned()),
            ("two parts", format!("{header}.{payload}")),
            ("no signature", format!("{header}.{payload}.")),
            ("no payload", format!("{header}..{signature}")),
            ("no header", format!(".{payload}.{signature}")),
            ("four parts", format!("{token}.{signature}")),
            (
                "five parts, as an encrypted token has",
                format!("{header}.{payload}.{payload}.{payload}.{signature}"),
            ),
            ("an extra dot", format!("{token}.")),
            ("a point before", format!(".{token}")),
            ("a space before", format!(" {token}")),
            ("a space behind", format!("{token} ")),
            ("a trailing line break", format!("{token}\n")),
            ("a NUL behind", format!("{token}\0")),
            ("a byte order mark", format!("\u{feff}{token}")),
            ("a scheme", format!("Bearer {token}")),
            ("white space within", token.replacen('.', ".\n", 1)),
            ("padding of the signature", format!("{token}==")),
            ("one character too few", token[..token.len() - 1].to_owned()),
            ("one character too many", format!("{token}A")),
            ("unused bits in the signature", format!("{header}.{payload}.{}", with_trailing_bits(signature))),
            ("JSON serialisation, flattened", json),
            ("JSON serialisation, general", general),
            ("more bytes than the limit", format!("{token}{}", "A".repeat(4_097))),
        ] {
            assert!(!issuer.accepts(kind, &token), "{algorithm}, {flaw}: {token}");
        }
    }
}

/// The last character replaced by its neighbour, which differs only in bits that decode to nothing.
fn with_trailing_bits(part: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (last, rest) = part.as_bytes().split_last().expect("characters");
    let at = ALPHABET.iter().position(|character| character == last).expect("a character of base64url");
    let neighbour = char::from(ALPHABET[at ^ 1]);
    String::from_utf8(rest.to_vec()).expect("ASCII") + &neighbour.to_string()
}

/// Encodes a part so that its last character has unused bits. It appends white space until that is so.
fn with_spare_bits(mut json: String) -> String {
    while json.len().is_multiple_of(3) {
        json.push(' ');
    }
    encode(json)
}

#[test]
fn header_and_payload_have_only_one_accepted_encoding() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let (header, payload) = (with_spare_bits(issuer.header()), with_spare_bits(object(&PAYLOAD)));
    assert_eq!(
        issuer.verify(&issuer.sign_encoded(&header, &payload)),
        Some(claims()),
        "the canonical encoding is accepted"
    );
    let padded = |part: &str| format!("{part}{}", "=".repeat(4 - part.len() % 4));
    for (flaw, header, payload) in [
        ("unused bits in the header", with_trailing_bits(&header), payload.clone()),
        ("unused bits in the payload", header.clone(), with_trailing_bits(&payload)),
        ("padding of the header", padded(&header), payload.clone()),
        ("padding of the payload", header.clone(), padded(&payload)),
        ("a line end in the header", format!("{header}\n"), payload.clone()),
        ("a space in the payload", header.clone(), format!(" {payload}")),
    ] {
        assert_eq!(issuer.verify(&issuer.sign_encoded(&header, &payload)), None, "{flaw}");
    }
}

#[test]
fn no_other_signature_is_accepted() {
    for algorithm in ALGORITHMS {
        let (issuer, stranger) = (Issuer::new(algorithm), Issuer::new(algorithm));
        let (header, payload) = (encode(issuer.header()), encode(object(&PAYLOAD)));
        let signed = format!("{header}.{payload}");
        let right = issuer.sign_encoded(&header, &payload);
        let bytes =
            URL_SAFE_NO_PAD.decode(right.rsplit('.').next().expect("a signature")).expect("base64url");
        let (r, s) = bytes.split_at(32);
        let hmac = |secret: &[u8]| {
            let secret = EncodingKey::from_secret(secret);
            let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &secret, Algorithm::HS256);
            URL_SAFE_NO_PAD.decode(signature.expect("signed")).expect("base64url")
        };
        let jwk = issuer.keys.jwks()["keys"][0].clone();
        let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().expect("x")).expect("base64url");
        let by_another = stranger.sign_encoded(&header, &payload);
        let of_another = issuer.sign_encoded(&header, &encode(payload_with("jti", Some("\"\""))));
        let decode =
            |token: &str| URL_SAFE_NO_PAD.decode(token.rsplit('.').next().unwrap_or("")).expect("base64url");
        for (flaw, signature) in [
            ("none", vec![]),
            ("one byte", vec![0]),
            ("zeros", vec![0; 64]),
            ("ones", vec![0xff; 64]),
            ("half of it", r.to_vec()),
            ("one byte less", bytes[..63].to_vec()),
            ("one byte more", [&bytes[..], &[0]].concat()),
            ("one byte before", [&[0], &bytes[..]].concat()),
            ("twice", [&bytes[..], &bytes[..]].concat()),
            ("its halves swapped", [s, r].concat()),
            ("of another key", decode(&by_another)),
            ("of another token", decode(&of_another)),
            ("HMAC with the public key", hmac(&public)),
            ("HMAC with the JWK", hmac(jwk.to_string().as_bytes())),
            ("HMAC with nothing", hmac(b"")),
            ("in DER", [&[0x30, 0x44, 2, 0x20], r, &[2, 0x20], s].concat()),
        ] {
            let token = format!("{signed}.{}", encode(signature));
            assert_eq!(issuer.verify(&token), None, "{algorithm}, {flaw}: {token}");
        }
        assert_eq!(issuer.verify(&right), Some(claims()));
    }
}

#[test]
fn key_confusion_is_refused() {
    // The complete attack, header included: an HS256 token signed with the public key as the secret.
    for algorithm in ALGORITHMS {
        let issuer = Issuer::new(algorithm);
        let jwk = issuer.keys.jwks()["keys"][0].clone();
        let header = encode(issuer.header().replace(&issuer.algorithm().to_string(), "HS256"));
        let signed = format!("{header}.{}", encode(object(&PAYLOAD)));
        let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().expect("x")).expect("base64url");
        for secret in [&x[..], jwk["x"].as_str().expect("x").as_bytes(), jwk.to_string().as_bytes(), b""] {
            let secret = EncodingKey::from_secret(secret);
            let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &secret, Algorithm::HS256);
            assert_eq!(issuer.verify(&format!("{signed}.{}", signature.expect("signed"))), None);
        }
        let none = encode(issuer.header().replace(&issuer.algorithm().to_string(), "none"));
        assert_eq!(issuer.verify(&format!("{none}.{}.", encode(object(&PAYLOAD)))), None);
    }
}

#[test]
fn kid_cannot_leave_the_key_directory() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let kid = issuer.kid();
    let (keys, outside) = (issuer.dir.path().join("keys"), issuer.dir.path().join("outside"));
    std::fs::create_dir(&outside).expect("a directory");
    std::fs::copy(keys.join(format!("{kid}.pem")), outside.join("key.pem")).expect("copied");
    std::fs::copy(keys.join(format!("{kid}.pem")), issuer.dir.path().join("key.pem")).expect("copied");
    for path in
        ["../key", "../outside/key", "..%2fkey", "./../key", &outside.join("key").display().to_string()]
    {
        let header = issuer.header().replace(&kid, path);
        assert_eq!(issuer.verify(&issuer.sign(header, object(&PAYLOAD))), None, "{path}");
    }
}

#[test]
fn other_issuer_or_audience_is_refused_with_the_same_key() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let settings = |issuer: &str, audience: &str| JwtSettings {
        issuer: issuer.to_owned(),
        audience: audience.to_owned(),
    };
    let of_other_audience = settings(ISSUER, "https://api.example.com");
    let of_other_issuer = settings("https://evil.example", ISSUER);
    for other in [of_other_audience, of_other_issuer] {
        let other = JwtCodec::new(issuer.keys.clone(), other);
        for kind in [Kind::Access, Kind::Refresh] {
            let token = match kind {
                Kind::Access => other.sign(&claims()),
                Kind::Refresh => other.sign_refresh(&refresh_claims()),
            };
            let token = token.expect("signed");
            assert!(kind.is_accepted(&other, token.expose()));
            assert!(!issuer.accepts(kind, token.expose()), "{kind:?}");
            assert!(!kind.is_accepted(&other, &issuer.token_of(kind)), "{kind:?}");
        }
    }
}

#[test]
fn size_limit_is_equal_for_signing_and_verifying() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    let of_client =
        |length: usize| AccessClaims { client_id: ClientId::from("c".repeat(length)), ..claims() };
    let mut longest = 0;
    for length in 2_300..2_800 {
        let claims = of_client(length);
        match issuer.codec.sign(&claims) {
            Ok(token) => {
                longest = longest.max(token.expose().len());
                assert_eq!(issuer.verify(token.expose()), Some(claims));
            }
            Err(error) => {
                assert!(matches!(error, PortError::Corrupt(_)));
                let payload = payload_with("client_id", Some(&format!("\"{}\"", "c".repeat(length))));
                assert_eq!(issuer.verify(&issuer.sign(issuer.header(), payload)), None, "{length}");
            }
        }
    }
    assert!((4_094..=4_096).contains(&longest), "{longest}");
}

#[test]
fn user_without_roles_gets_a_token() {
    let issuer = Issuer::new(KeyAlgorithm::P256);
    let claims = AccessClaims { roles: Roles::default(), ..claims() };
    let token = issuer.codec.sign(&claims).expect("signed");
    assert_eq!(issuer.verify(token.expose()), Some(claims));
}

#[test]
fn no_character_can_be_changed_omitted_or_doubled() {
    let issuer = Issuer::new(KeyAlgorithm::Ed25519);
    for kind in Kind::ALL {
        let token = issuer.token_of(kind);
        for at in 0..token.len() {
            let (before, rest) = token.split_at(at);
            let (character, after) = rest.split_at(1);
            let other = if character == "A" { "B" } else { "A" };
            for changed in [format!("{before}{other}{after}"), format!("{before}{after}")] {
                assert!(!issuer.accepts(kind, &changed), "{changed}");
            }
            let doubled = format!("{before}{character}{character}{after}");
            assert!(!issuer.accepts(kind, &doubled), "{doubled}");
        }
    }
}

proptest! {
    #[test]
    fn random_text_is_refused_without_a_panic(text in any::<String>()) {
        let issuer = issuer();
        for kind in Kind::ALL {
            prop_assert!(!issuer.accepts(kind, &text));
            prop_assert!(!issuer.accepts(kind, &issuer.sign(&text, object(&kind.members()))));
            prop_assert!(!issuer.accepts(kind, &issuer.sign(issuer.header_of(kind), &text)));
        }
    }

    #[test]
    fn random_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let issuer = issuer();
        for kind in Kind::ALL {
            let header = issuer.header_of(kind);
            prop_assert!(!issuer.accepts(kind, &issuer.sign(&bytes, &bytes)));
            prop_assert!(!issuer.accepts(kind, &issuer.sign(&header, &bytes)));
            let followed = format!("{}.{}", issuer.sign(&header, "{}"), encode(&bytes));
            prop_assert!(!issuer.accepts(kind, &followed));
        }
    }

    #[test]
    fn every_signed_token_is_verified(
        ids in any::<[u128; 3]>(),
        client_id in any::<String>(),
        roles in prop::collection::btree_set("[a-z][a-z0-9_.-]{0,20}", 0..5),
        times in (0..=253_402_300_799_i64, 0..=253_402_300_799_i64),
        extra in extra_claims(),
    ) {
        let [token_id, user_id, session_id] = ids.map(uuid::Uuid::from_u128);
        let roles: Vec<_> = roles.into_iter().collect();
        let claims = AccessClaims {
            token_id: auth_domain::model::TokenId(token_id),
            user_id: auth_domain::model::UserId(user_id),
            session_id: auth_domain::model::SessionId(session_id),
            client_id: ClientId::from(client_id),
            roles: Roles::parse(&roles.join(",")).expect("roles"),
            issued_at: Timestamp::from_unix_seconds(times.0),
            expires_at: Timestamp::from_unix_seconds(times.1),
            extra,
        };
        let refresh_claims = RefreshClaims {
            token_id: claims.token_id,
            user_id: claims.user_id,
            session_id: claims.session_id,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
        };
        let token = issuer().codec.sign(&claims).expect("signed");
        prop_assert_eq!(issuer().verify(token.expose()), Some(claims));
        let token = issuer().codec.sign_refresh(&refresh_claims).expect("signed");
        prop_assert_eq!(issuer().codec.verify_refresh(token.expose()), Some(refresh_claims));
    }
}

/// One issuer for all cases of a property test.
fn issuer() -> &'static Issuer {
    static ONE: std::sync::OnceLock<Issuer> = std::sync::OnceLock::new();
    ONE.get_or_init(|| Issuer::new(KeyAlgorithm::Ed25519))
}
