//! URLs of databases. A URL is read and printed without its password, or refused without quoting it.
#![no_main]

use auth_infra::postgres::PostgresUrl;
use libfuzzer_sys::fuzz_target;

/// A password that no other part of a URL contains by chance.
const PASSWORD: &str = "Zq7hunter2qZ";

fuzz_target!(|text: &str| {
    let urls = [
        text.to_owned(),
        format!("postgres://{text}"),
        format!("postgres://u:{PASSWORD}{text}"),
        format!("postgres://u:{PASSWORD}@h/d?{text}"),
        format!("postgres://u@h/{text}?password={PASSWORD}"),
    ];
    for url in urls {
        match PostgresUrl::parse_with(&url, |_| None) {
            Err(error) => assert!(!error.to_string().contains(PASSWORD), "{error}"),
            Ok(parsed) => {
                let printed = format!("{parsed} {parsed:?} {}", parsed.is_local());
                // The text may make another part of the password, which is then no secret.
                assert!(!parsed.has_password() || !printed.contains(PASSWORD), "{printed}");
            }
        }
    }
});
