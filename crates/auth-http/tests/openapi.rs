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

/// Panics unless the object at each of these places has a description.
fn assert_described<'a>(name: &str, parts: impl IntoIterator<Item = (&'a String, &'a Value)>) {
    for (key, part) in parts {
        let text = part["description"].as_str().unwrap_or_default();
        assert!(text.ends_with('.'), "{name}: {key}: {text:?}");
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// What the validators of generators and linters require beyond the schema of `OpenAPI` 3.0.
#[test]
fn document_has_the_information_that_tools_require() {
    for dialect in ALL {
        let document = document(dialect, "");
        let info = &document["info"];
        assert_eq!(info["license"]["identifier"], "MIT OR Apache-2.0");
        assert_eq!(info["license"].get("url"), None, "`identifier` and `url` exclude each other");
        assert!(info["contact"]["name"].is_string());
        assert!(info["description"].as_str().is_some_and(|text| text.len() > 100));
        let declared: Vec<_> = document["tags"].as_array().expect("tags").iter().collect();
        assert!(declared.iter().all(|tag| tag["description"].is_string()), "{declared:?}");
        for operation in operations(&document) {
            let tags = operation["tags"].as_array().expect("tags");
            assert_eq!(tags.len(), 1, "generators make one class for each tag");
            assert!(declared.iter().any(|tag| tag["name"] == tags[0]), "{tags:?}");
        }
    }
}

#[test]
fn every_part_of_a_document_has_a_description() {
    for dialect in ALL {
        let name = dialect.profile().name;
        let document = document(dialect, "");
        for operation in operations(&document) {
            let id = operation["operationId"].to_string();
            assert_described(name, [(&id, operation)]);
            let body = operation.get("requestBody").map(|body| (&id, body));
            assert_described(name, body);
            assert_described(name, members(&operation["responses"]));
            for (_, response) in members(&operation["responses"]) {
                assert_described(name, members(&response["headers"]));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert_described(name, [(&parameter["name"].to_string(), parameter)]);
            }
        }
        assert_described(name, members(&document["components"]["securitySchemes"]));
        assert_described(name, members(&document["components"]["schemas"]));
        for (_, schema) in members(&document["components"]["schemas"]) {
            assert_described(name, members(&schema["properties"]));
        }
    }
}

/// Names that languages, their standard libraries or the runtimes of generated clients have, in lower case.
const NAMES_OF_LANGUAGES: &[&str] = &[
    "abstract",
    "any",
    "api",
    "apiclient",
    "apierror",
    "apiexception",
    "apiresponse",
    "array",
    "baseapi",
    "bool",
    "boolean",
    "byte",
    "call",
    "char",
    "class",
    "client",
    "configuration",
    "context",
    "data",
    "date",
    "datetime",
    "decimal",
    "default",
    "dict",
    "double",
    "duration",
    "enum",
    "err",
    "error",
    "exception",
    "false",
    "fetcherror",
    "file",
    "float",
    "function",
    "headers",
    "hash",
    "int",
    "integer",
    "interface",
    "iterable",
    "iterator",
    "json",
    "list",
    "long",
    "map",
    "model",
    "modelerror",
    "module",
    "namespace",
    "nil",
    "none",
    "null",
    "number",
    "object",
    "ok",
    "option",
    "optional",
    "package",
    "pair",
    "promise",
    "protocol",
    "record",
    "request",
    "requirederror",
    "response",
    "responseerror",
    "result",
    "self",
    "set",
    "short",
    "some",
    "string",
    "struct",
    "symbol",
    "task",
    "time",
    "true",
    "tuple",
    "type",
    "uint",
    "undefined",
    "unit",
    "uri",
    "url",
    "uuid",
    "value",
    "vec",
    "void",
];

/// The parts that generators add to a schema's name: constructors and optional values in Go, parameters and results in
/// TypeScript. They also add classes of a tag, and tests.
const ADDED_PREFIXES: &[&str] = &["Api", "Inline", "New", "Nullable", "Model"];
const ADDED_SUFFIXES: &[&str] = &[
    "AllOf",
    "AnyOf",
    "Api",
    "Builder",
    "Default",
    "Dto",
    "Enum",
    "FromJSON",
    "Inner",
    "OneOf",
    "Params",
    "Request",
    "Response",
    "Service",
    "Test",
    "ToJSON",
    "Value",
    "WithDefaults",
];

#[test]
fn schema_names_collide_with_no_generated_name() {
    for dialect in ALL {
        let document = document(dialect, "");
        let mut seen = HashSet::new();
        for (schema, content) in members(&document["components"]["schemas"]) {
            let place = format!("{}: {schema}", dialect.profile().name);
            let lower = schema.to_ascii_lowercase();
            assert!(schema.starts_with(|first: char| first.is_ascii_uppercase()), "{place}");
            assert!(schema.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{place}: not in PascalCase");
            assert!(seen.insert(lower.clone()), "{place}: differs from another name only in case");
            assert!(!NAMES_OF_LANGUAGES.contains(&lower.as_str()), "{place}: a language has this name");
            assert!(!ADDED_PREFIXES.iter().any(|prefix| schema.starts_with(prefix)), "{place}");
            assert!(!ADDED_SUFFIXES.iter().any(|suffix| schema.ends_with(suffix)), "{place}");
            // A C# property cannot have the name of its class.
            let names = members(&content["properties"]).map(|(name, _)| name.replace('_', ""));
            assert!(
                names.into_iter().all(|name| !name.eq_ignore_ascii_case(schema)),
                "{place}: its own member"
            );
        }
    }
}

/// Generators invent names for objects within other schemas, and change them when the document changes.
#[test]
fn every_object_has_a_name() {
    for dialect in ALL {
        let document = document(dialect, "");
        for (schema, content) in members(&document["components"]["schemas"]) {
            for (member, part) in members(&content["properties"]) {
                let place = format!("{}: {schema}.{member}", dialect.profile().name);
                assert!(part.get("properties").is_none(), "{place}");
                assert!(
                    part["oneOf"].is_null() && part["anyOf"].is_null() && part["allOf"].is_null(),
                    "{place}"
                );
            }
        }
    }
}

#[test]
fn document_names_the_public_url_as_its_server() {
    for dialect in ALL {
        let public = document(dialect, "public_url = \"https://auth.example.com/\"");
        assert_eq!(public["servers"][0]["url"], "https://auth.example.com");
        assert_eq!(public["servers"][1]["url"], "/", "for the API reference under another name");
        assert_eq!(public["info"]["contact"]["url"], "https://auth.example.com/");
        let unset = document(dialect, "listen = \"127.0.0.1:4711\"");
        assert_eq!(unset["servers"][0]["url"], "/", "the server of the document itself");
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
