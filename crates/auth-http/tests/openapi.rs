//! The OpenAPI documents follow the settings, and the committed ones are up to date.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use auth_http::dialects::{ALL, Dialect, accounts::Accounts, cookie::Cookie, single_token::SingleToken};
use auth_http::settings::Sources;
use auth_http::wiring;
use serde_json::{Value, json};

fn document(dialect: &dyn Dialect, toml: &str) -> Value {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), toml).expect("written");
    let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
    let settings = wiring::load_settings(&sources).expect("settings");
    serde_json::from_str(&wiring::openapi(&settings, dialect).expect("a document")).expect("JSON")
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().expect("paths").values();
    paths.flat_map(|path| path.as_object().expect("methods").values())
}

fn cookie_name(document: &Value) -> &Value {
    &document["components"]["securitySchemes"]["refreshCookie"]["name"]
}

#[test]
fn documents_are_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi");
    for dialect in ALL {
        let name = dialect.profile().name;
        let path = directory.join(format!("{name}.json"));
        let document = wiring::openapi(&wiring::default_settings(), dialect).expect("a document");
        if std::env::var_os("WRITE_OPENAPI").is_some() {
            fs::write(&path, &document).expect("written");
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == document, "docs/openapi/{name}.json is stale: run `just openapi`");
    }
}

#[test]
fn document_has_every_route_and_unique_operation_ids() {
    for dialect in ALL {
        let document = document(dialect, "");
        let ids: HashSet<_> = operations(&document).map(|operation| &operation["operationId"]).collect();
        assert_eq!(ids.len(), dialect.routes().len(), "{}", dialect.profile().name);
        for route in dialect.routes() {
            let path = format!("{}{}", dialect.profile().prefix, route.path);
            let operation = &document["paths"][&path][route.method.as_str().to_ascii_lowercase()];
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
        }
    }
}

#[test]
fn document_follows_the_prefix_setting() {
    let moved = document(&SingleToken, "[dialects.single_token]\nprefix = \"/elsewhere\"");
    let paths: Vec<_> = moved["paths"].as_object().expect("paths").keys().collect();
    assert_eq!(paths.len(), 4);
    assert!(paths.iter().all(|path| path.starts_with("/elsewhere/")), "{paths:?}");
}

#[test]
fn document_follows_password_and_role_settings() {
    let strict = document(
        &Accounts,
        "[password]\nmin_length = 12\n[registration]\nself_assignable_roles = [\"a\", \"b\"]",
    );
    let registration = &strict["components"]["schemas"]["Registration"]["properties"];
    assert_eq!(registration["password"]["minLength"], 12);
    assert_eq!(registration["roles"]["enum"], json!(["a", "b", null]));
    let login = &strict["components"]["schemas"]["Credentials"]["properties"];
    assert_eq!(login["password"].get("minLength"), None);
}

#[test]
fn document_names_the_cookie_by_the_public_url() {
    assert_eq!(*cookie_name(&document(&Cookie, "")), "refresh_token");
    let public = document(&Cookie, "public_url = \"https://auth.example.com\"");
    assert_eq!(*cookie_name(&public), "__Secure-refresh_token");
    let set = &public["paths"]["/api/auth/login"]["post"]["responses"]["200"]["headers"]["set-cookie"];
    assert!(set["example"].as_str().expect("an example").ends_with("; Secure"), "{set}");
}

#[test]
fn failure_is_documented_with_its_headers() {
    let document = document(&SingleToken, "");
    let responses = &document["paths"]["/v1/protected/resource"]["get"]["responses"];
    let challenges = &responses["401"]["headers"]["www-authenticate"]["examples"];
    assert_eq!(challenges["missing_token"]["value"], "Bearer");
    assert_eq!(challenges["invalid_token"]["value"], r#"Bearer error="invalid_token""#);
    assert_eq!(responses["503"]["headers"]["retry-after"]["example"], "1");
    let example = &responses["401"]["content"]["application/json"]["examples"]["missing_token"]["value"];
    assert_eq!(*example, json!({"error": "Invalid or missing token."}));
}
