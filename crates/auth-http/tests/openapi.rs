//! The OpenAPI documents: what the settings make of them, and that the committed ones are fresh.

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

#[test]
fn the_documents_are_fresh() {
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
fn a_document_has_every_route_of_its_dialect_and_no_two_operations_of_one_name() {
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
fn a_moved_dialect_is_documented_where_it_is() {
    let moved = document(&SingleToken, "[dialects.single_token]\nprefix = \"/elsewhere\"");
    let paths: Vec<_> = moved["paths"].as_object().expect("paths").keys().collect();
    assert_eq!(paths.len(), 4);
    assert!(paths.iter().all(|path| path.starts_with("/elsewhere/")), "{paths:?}");
}

#[test]
fn settings_that_ask_for_more_are_documented() {
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
fn the_cookie_is_called_what_it_is_called_in_public() {
    let name = |document: &Value| document["components"]["securitySchemes"]["refreshCookie"]["name"].clone();
    assert_eq!(name(&document(&Cookie, "")), "refresh_token");
    let public = document(&Cookie, "public_url = \"https://auth.example.com\"");
    assert_eq!(name(&public), "__Secure-refresh_token");
    let set = &public["paths"]["/api/auth/login"]["post"]["responses"]["200"]["headers"]["set-cookie"];
    assert!(set["example"].as_str().expect("an example").ends_with("; Secure"), "{set}");
}

#[test]
fn a_failure_is_documented_with_its_headers() {
    let document = document(&SingleToken, "");
    let responses = &document["paths"]["/v1/protected/resource"]["get"]["responses"];
    let challenges = &responses["401"]["headers"]["www-authenticate"]["examples"];
    assert_eq!(challenges["missing_token"]["value"], "Bearer");
    assert_eq!(challenges["invalid_token"]["value"], r#"Bearer error="invalid_token""#);
    assert_eq!(responses["503"]["headers"]["retry-after"]["example"], "1");
    let said = &responses["401"]["content"]["application/json"]["examples"]["missing_token"]["value"];
    assert_eq!(*said, json!({"error": "Invalid or missing token."}));
}
