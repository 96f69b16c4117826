//! The sources of settings, and the values that are rejected.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use auth_domain::model::Blocklist;
use auth_http::request::MinPasswordLength;
use auth_http::settings::{DatabaseUrl, Flag, LogFormat, Settings, SettingsError, Source, Sources};
use auth_http::wiring;
use auth_infra::token::KeyAlgorithm;
use tempfile::TempDir;

fn flag(key: &str, value: &str) -> Flag {
    Flag { name: "--set", key: key.to_owned(), value: value.to_owned() }
}

fn variables(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn from_flags(flags: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let flags = flags.iter().map(|(key, value)| flag(key, value)).collect();
    wiring::load_settings(&Sources { flags, ..Sources::default() })
}

fn from_environment(environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    wiring::load_settings(&Sources { environment: variables(environment), ..Sources::default() })
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("auth.toml");
    std::fs::write(&path, text).expect("a file");
    (directory, path)
}

fn from_file(text: &str) -> Result<Settings, SettingsError> {
    let (_directory, path) = file(text);
    wiring::load_settings(&Sources { file: Some(path), ..Sources::default() })
}

/// Asserts an error of one line and returns it.
fn error_text(outcome: Result<Settings, SettingsError>) -> String {
    let message = outcome.expect_err("refused").to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn the_shortest_minimum_of_the_enabled_dialects_is_the_policy() {
    let passwords = |text: &str| wiring::policy(&from_file(text).expect("accepted")).passwords;
    assert_eq!(passwords("").min_length, 6, "that of cookie");
    assert_eq!(passwords("[dialects.cookie]\nenabled = false").min_length, 8);
    assert_eq!(passwords("[password]\nmin_length = 12").min_length, 12);
    assert_eq!(passwords("").blocklist, None, "the documents' examples are accepted");
    assert_eq!(passwords("[password]\nrefuse_common = true").blocklist, Some(Blocklist::common()));
}

#[test]
fn without_a_source_every_setting_has_its_default() {
    let settings = wiring::load_settings(&Sources::default()).expect("settings");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.data_dir, PathBuf::from("./data"));
    assert_eq!(settings.keys_dir, PathBuf::from("./data/keys"));
    assert_eq!(settings.database_url.to_string(), "sqlite:./data/auth.db");
    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8080");
    assert_eq!(settings.audience, "http://127.0.0.1:8080");
    assert_eq!(settings.algorithm, KeyAlgorithm::P256);
    assert_eq!(settings.access_lifetime_or(None), Duration::from_secs(900));
    assert_eq!(settings.policy, auth_domain::policy::Policy::default());
    assert_eq!(settings.log_format, None);
    assert!(settings.trusted_proxies.is_empty());
    assert!(settings.dialect("single_token").is_some_and(|it| it.enabled && it.prefix == "/v1"));
    assert_eq!(settings.show(), wiring::default_settings().show());
    assert_eq!(settings.source("listen"), &Source::Default);
    assert_eq!(settings.warnings(), Vec::<String>::new());
}

#[test]
fn the_later_source_wins() {
    let (_directory, path) = file("[session]\nmax_live = 2\nidle_seconds = 20\nabsolute_seconds = 200\n");
    let settings = wiring::load_settings(&Sources {
        file: Some(path.clone()),
        environment: variables(&[("AUTH_SESSION__MAX_LIVE", "3"), ("AUTH_SESSION__IDLE_SECONDS", "30")]),
        flags: vec![flag("session.max_live", "4"), flag("session.max_live", "5")],
    })
    .expect("settings");
    assert_eq!(settings.policy.session.max_live, 5);
    assert_eq!(settings.policy.session.idle, Duration::from_secs(30));
    assert_eq!(settings.policy.session.absolute, Duration::from_secs(200));
    assert_eq!(settings.source("session.max_live"), &Source::Flag("--set"));
    assert_eq!(
        settings.source("session.idle_seconds"),
        &Source::Environment("AUTH_SESSION__IDLE_SECONDS".to_owned())
    );
    assert_eq!(settings.source("session.absolute_seconds"), &Source::File { path, line: 4 });
}

#[test]
fn the_environment_names_the_file_unless_a_flag_does() {
    let (_named, by_variable) = file("token.audience = 'variable'");
    let (_flagged, by_flag) = file("token.audience = 'flag'");
    let environment = vec![("AUTH_CONFIG".into(), by_variable.into_os_string())];
    for (file, audience) in [(None, "variable"), (Some(by_flag), "flag")] {
        let sources = Sources { file, environment: environment.clone(), flags: Vec::new() };
        assert_eq!(wiring::load_settings(&sources).expect("settings").audience, audience);
    }
}

#[test]
fn derived_defaults_follow_the_settings_they_depend_on() {
    let settings = from_flags(&[("data_dir", "/srv/auth"), ("listen", "[::1]:0")]).expect("settings");
    assert_eq!(settings.keys_dir, PathBuf::from("/srv/auth/keys"));
    assert!(matches!(&settings.database_url, DatabaseUrl::Sqlite(path) if path.ends_with("auth/auth.db")));
    let bound = settings.bound_to(4711);
    assert_eq!(bound.public_url.as_str(), "http://[::1]:4711");
    assert_eq!(bound.audience, "http://[::1]:4711");

    let given = from_flags(&[("public_url", "https://auth.example.com/"), ("token.audience", "api")]);
    let given = given.expect("settings").bound_to(4711);
    assert_eq!(given.public_url.as_str(), "https://auth.example.com");
    assert_eq!(given.audience, "api");
}

#[test]
fn port_variable_applies_to_a_listener_without_a_port() {
    for (environment, expected) in [
        (&[("PORT", "9000")][..], "127.0.0.1:9000"),
        (&[("PORT", "9000"), ("AUTH_LISTEN", "0.0.0.0")], "0.0.0.0:9000"),
        (&[("PORT", "9000"), ("AUTH_LISTEN", "0.0.0.0:81")], "0.0.0.0:81"),
        (&[("PORT", "nonsense"), ("AUTH_LISTEN", "localhost:81")], "localhost:81"),
        (&[("AUTH_LISTEN", "localhost")], "localhost:8080"),
    ] {
        let settings = from_environment(environment).expect("settings");
        assert_eq!(settings.listen.to_string(), expected, "{environment:?}");
        assert_eq!(settings.public_url.as_str(), format!("http://{expected}"), "{environment:?}");
    }
    for port in ["", "nonsense", "65536", "-1", "+80"] {
        let message = error_text(from_environment(&[("PORT", port)]));
        assert_eq!(message, "listen (PORT) must be a port from 0 to 65535");
    }
}

#[test]
fn a_variable_can_name_a_file_with_the_value() {
    for ending in ["", "\n", "\r\n"] {
        let (_directory, path) = file(&format!("postgres://u:s3cret@localhost/d{ending}"));
        let path = path.to_str().expect("UTF-8");
        let settings = from_environment(&[("AUTH_DATABASE_URL_FILE", path)]).expect("settings");
        assert!(matches!(&settings.database_url, DatabaseUrl::Postgres(_)));
        let source = Source::Environment("AUTH_DATABASE_URL_FILE".to_owned());
        assert_eq!(settings.source("database_url"), &source);
    }
}

#[test]
fn a_variable_with_a_bad_file_is_refused_without_the_value() {
    let (_directory, path) = file("s3cret");
    let path = path.to_str().expect("UTF-8");
    let (_lines, lines) = file("postgres://u@h/d\ns3cret\n");
    let lines = lines.to_str().expect("UTF-8");
    for (variables, expected) in [
        (
            &[("AUTH_DATABASE_URL_FILE", "/no/such/file")][..],
            "cannot read the file that AUTH_DATABASE_URL_FILE names",
        ),
        (
            &[("AUTH_DATABASE_URL_FILE", lines)],
            "the file that AUTH_DATABASE_URL_FILE names must have one line",
        ),
        (&[("AUTH_DATABASE_URL_FILE", path)], "database_url (AUTH_DATABASE_URL_FILE) must be"),
        (&[("AUTH_DATABSE_URL_FILE", path)], "AUTH_DATABSE_URL_FILE (environment) is not a setting"),
        (
            &[("AUTH_TOKEN__AUDIENCE", "api"), ("AUTH_TOKEN__AUDIENCE_FILE", path)],
            "token.audience (AUTH_TOKEN__AUDIENCE_FILE) must not be set by AUTH_TOKEN__AUDIENCE too",
        ),
    ] {
        let message = error_text(from_environment(variables));
        assert!(message.starts_with(expected) && !message.contains("s3cret"), "{message}");
    }
}

#[test]
fn a_file_contains_settings_of_every_type() {
    let settings = from_file(
        r#"
            listen = "0.0.0.0:9000"
            trusted_proxies = ["10.0.0.0/8", "2001:db8::1"]
            rate_limit = "off"
            cors_origins = ["https://app.example.com", "http://localhost:5173"]
            password = { min_length = 12, refuse_common = true }

            [log]
            format = "json"

            [dialects.single_token]
            enabled = false
            prefix = "/auth/v1"
        "#,
    )
    .expect("settings");
    assert_eq!(settings.listen.port(), 9000);
    assert!(settings.refuse_common_passwords);
    assert!(settings.trusted_proxies.contains([10, 1, 2, 3].into()));
    assert!(settings.trusted_proxies.contains("::ffff:10.1.2.3".parse().expect("an address")));
    assert!(settings.trusted_proxies.contains("2001:db8::1".parse().expect("an address")));
    assert!(!settings.trusted_proxies.contains([11, 1, 2, 3].into()));
    assert_eq!(settings.min_password_length_or(MinPasswordLength(8)).0, 12);
    for origin in ["https://app.example.com", "http://localhost:5173"] {
        assert!(settings.cors_origins.contains(origin));
    }
    for origin in
        ["http://app.example.com", "https://app.example.com:8443", "https://example.com", "null", ""]
    {
        assert!(!settings.cors_origins.contains(origin), "{origin}");
    }
    assert_eq!(settings.log_format, Some(LogFormat::Json));
    assert!(settings.dialect("single_token").is_some_and(|it| !it.enabled && it.prefix == "/auth/v1"));
}

/// The lines of `config show` without the comments on their sources.
fn without_sources(shown: &str) -> Vec<&str> {
    shown.lines().map(|line| line.rsplit_once(" # ").expect("a source").0.trim()).collect()
}

#[test]
fn config_show_prints_a_file_with_the_same_settings() {
    let defaults = wiring::default_settings().show();
    let again = from_file(&defaults).expect("settings").show();
    assert_eq!(without_sources(&defaults), without_sources(&again));
    assert!(defaults.lines().all(|line| line.ends_with(" # default")), "{defaults}");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    for (key, nearest) in [
        ("lisen", "listen"),
        ("access_seconds", "token.access_seconds"),
        ("tokens.access_seconds", "token.access_seconds"),
        ("min_length", "password.min_length"),
        ("dialects.single_tokn.prefix", "dialects.single_token.prefix"),
    ] {
        let message = error_text(from_flags(&[(key, "1")]));
        assert_eq!(message, format!("{key} (--set) is not a setting; the nearest one is {nearest}"));
    }
    for (name, nearest) in [
        ("AUTH_LISTN", "AUTH_LISTEN"),
        ("AUTH_TOKEN_ACCESS_SECONDS", "AUTH_TOKEN__ACCESS_SECONDS"),
        ("AUTH_ACCESS_SECONDS", "AUTH_TOKEN__ACCESS_SECONDS"),
        ("AUTH_DATABASE_URI", "AUTH_DATABASE_URL"),
        ("AUTH_listen", "AUTH_LISTEN"),
    ] {
        let message = error_text(from_environment(&[(name, "1")]));
        assert_eq!(message, format!("{name} (environment) is not a setting; the nearest one is {nearest}"));
    }
    for text in ["\n[tokn]\naccess_seconds = 1", "\n[tokn]", "\ntokn = 1"] {
        let message = error_text(from_file(text));
        assert!(message.contains("tokn") && message.contains("auth.toml:"), "{message}");
        assert!(message.contains("is not a setting; the nearest one is "), "{message}");
    }
}

#[test]
fn variables_of_tests_and_other_programs_are_ignored() {
    let environment =
        [("AUTH_TEST_DATABASE_URL", "x"), ("LISTEN", "x"), ("XAUTH_LISTEN", "x"), ("auth_x", "x")];
    from_environment(&environment).expect("settings");
}

#[test]
fn numbers_outside_their_range_are_refused() {
    for (key, least, most) in [
        ("token.access_seconds", 1, 86_400),
        ("token.retry_grace_seconds", 0, 30),
        ("session.idle_seconds", 1, 31_622_400),
        ("session.absolute_seconds", 1, 31_622_400),
        ("session.max_live", 1, 1_000),
        ("hashing.iterations", 2, 10),
        ("hashing.parallelism", 1, 16),
        ("hashing.memory_budget_mib", 19, 1_048_576),
        ("password.min_length", 1, 128),
        ("http.workers", 1, 512),
        ("http.keep_alive_seconds", 1, 3_600),
        ("database.max_connections", 1, 1_000),
    ] {
        for fits in [least, most] {
            from_flags(&[(key, &fits.to_string())]).expect(key);
        }
        for beyond in [i64::from(least) - 1, i64::from(most) + 1] {
            let message = error_text(from_flags(&[(key, &beyond.to_string())]));
            assert!(message.starts_with(&format!("{key} (--set) ")), "{message}");
        }
        for malformed in ["", "many", "1.5", " 1", "0x1", "99999999999999999999"] {
            let message = error_text(from_flags(&[(key, malformed)]));
            assert!(message.starts_with(&format!("{key} (--set) must be a whole number")), "{message}");
        }
    }
}

fn hashing(memory_kib: &str, iterations: &str, budget_mib: &str) -> Result<Settings, SettingsError> {
    from_flags(&[
        ("hashing.memory_kib", memory_kib),
        ("hashing.iterations", iterations),
        ("hashing.memory_budget_mib", budget_mib),
    ])
}

#[test]
fn hashing_below_the_owasp_floor_is_refused() {
    for (kib, passes) in [("47104", "1"), ("19456", "2"), ("12288", "3"), ("12288", "10")] {
        hashing(kib, passes, "256").expect("settings");
    }
    for (kib, passes) in [("47103", "1"), ("19455", "2")] {
        let message = error_text(hashing(kib, passes, "256"));
        assert!(message.starts_with("hashing.memory_kib (--set) cannot be: Argon2id with "), "{message}");
        assert!(message.contains("OWASP"), "{message}");
    }
    let message = error_text(hashing("12287", "3", "256"));
    assert!(
        message.starts_with("hashing.memory_kib (--set) must be a whole number of KiB from 12288"),
        "{message}"
    );
    hashing("262144", "1", "256").expect("settings");
    let message = error_text(hashing("262145", "1", "256"));
    assert!(
        message.starts_with("hashing.memory_budget_mib (--set) cannot be: the memory budget"),
        "{message}"
    );
}

#[test]
fn every_accepted_spelling_of_a_network_matches() {
    for (network, member, stranger) in [
        ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("10.1.2.3/32", "10.1.2.3", "10.1.2.4"),
        ("10.1.2.3/8", "10.9.9.9", "11.1.2.3"),
        ("0.0.0.0/0", "192.0.2.1", "2001:db8::1"),
        ("::ffff:10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("::ffff:a01:203/128", "10.1.2.3", "10.1.2.4"),
        ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"),
        ("::ffff:10.1.2.3/104", "10.9.9.9", "11.1.2.3"),
        ("::ffff:0:0/96", "192.0.2.1", "2001:db8::1"),
        ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
        ("10.0.0.0/8", "64:ff9b::10.1.2.3", "64:ff9b::11.1.2.3"),
        ("10.0.0.0/8", "2002:a01:203::1", "2002:b01:203::1"),
        ("127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"),
        ("64:ff9b::/96", "64:ff9b::10.1.2.3", "10.1.2.3"),
        ("64:ff9b::10.0.0.0/104", "64:ff9b::10.1.2.3", "64:ff9b::11.1.2.3"),
        ("2002::/16", "2002:a01:203::1", "10.1.2.3"),
        ("2002:a01:203:5::/64", "2002:a01:203:5::1", "2002:a01:203:6::1"),
        ("64:ff9b:1::/48", "64:ff9b:1::1", "64:ff9b:2::1"),
        ("2001:db8::1/32", "2001:db8:9::9", "2001:db9::1"),
        ("fe80::/10", "fe80::1", "fd00::1"),
        ("::1", "::1", "::2"),
        ("::/0", "2001:db8::1", "::ffff:192.0.2.1"),
    ] {
        let settings = from_flags(&[("trusted_proxies", network)]).expect(network);
        let trusts = |address: &str| settings.trusted_proxies.contains(address.parse().expect("an address"));
        assert!(trusts(member), "{network} contains {member}");
        assert!(!trusts(stranger), "{network} does not contain {stranger}");
        let shown = settings.trusted_proxies.to_string();
        let again = from_flags(&[("trusted_proxies", &shown)]).expect("shown");
        assert_eq!(again.trusted_proxies, settings.trusted_proxies, "{network}");
    }
}

#[test]
fn networks_without_hosts_are_refused() {
    for (network, shown) in [
        ("0.0.0.0", "0.0.0.0/32"),
        ("0.1.2.3/16", "0.1.0.0/16"),
        ("224.0.0.0/4", "224.0.0.0/4"),
        ("239.1.2.3", "239.1.2.3/32"),
        ("255.255.255.255", "255.255.255.255/32"),
        ("::ffff:0.0.0.0", "0.0.0.0/32"),
        ("::", "::/128"),
        ("ff02::1", "ff02::1/128"),
        ("10.0.0.0/8,ff00::/8", "ff00::/8"),
    ] {
        let message = error_text(from_flags(&[("trusted_proxies", network)]));
        let reason = format!("must not contain {shown}: no host has such an address");
        assert_eq!(message, format!("trusted_proxies (--set) {reason}"));
    }
}

#[test]
fn key_must_not_sign_while_verifiers_cache_the_old_keys() {
    let defaults = wiring::default_settings();
    assert_eq!((defaults.keys_max_age.as_secs(), defaults.rotation_delay.as_secs()), (300, 600));
    let (max_age, delay) = ("token.jwks_max_age_seconds", "token.rotation_delay_seconds");
    from_flags(&[(max_age, "10"), (delay, "11")]).expect("settings");
    for (key, flags) in [
        (delay, &[(max_age, "10"), (delay, "10")][..]),
        (delay, &[(delay, "300")]),
        (max_age, &[(max_age, "600")]),
    ] {
        let message = error_text(from_flags(flags));
        assert!(message.starts_with(&format!("{key} (--set) is not allowed: ")), "{message}");
        assert!(message.contains("verifiers may cache the keys for"), "{message}");
    }
}

#[test]
fn malformed_texts_are_refused() {
    let long = "a".repeat(256);
    let refused: &[(&str, &[&str])] = &[
        ("listen", &["", "8080", ":8080", "local host:8080", "127.0.0.1:", "127.0.0.1:65536"]),
        ("data_dir", &["", "a\0b"]),
        ("keys_dir", &[""]),
        ("public_url", &["", "auth.example.com", "ftp://a", "https://", "https://a/path", "https://a?q"]),
        ("public_url", &["https://a#f", "https://user:s3cret@a", "https://a:0", "https://*.example.com"]),
        ("token.algorithm", &["", "none", "HS256", "RS256", "eddsa"]),
        ("token.audience", &["", "a b", "\u{e4}", &long]),
        ("trusted_proxies", &["10.0.0.0/33", "10.0.0.0/8,", "proxy", "10.0.0.0/8;10.0.0.1"]),
        (
            "trusted_proxies",
            &["010.0.0.1", "010.0.0.0/8", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/255.0.0.0"],
        ),
        (
            "trusted_proxies",
            &["10/8", "10.0.0.0/", "/8", "10.1.2.3/0", "::1/0", "fe80::1%eth0", "fe80::1%1/64"],
        ),
        ("trusted_proxies", &["[2001:db8::1]", "10.0.0.1:80", "::ffff:10.0.0.0/95", "::ffff:10.0.0.0/129"]),
        (
            "cors_origins",
            &["*", "null", "app.example.com", "https://*.example.com", "https://a/", "https://a/b"],
        ),
        ("cors_origins", &["file://", "https://u:s3cret@a", "chrome-extension://id", "https://a,null"]),
        ("cors_headers", &["*", "x a", "cookie", "sec-fetch-mode", "x-a,"]),
        (
            "cors_origins",
            &["https://A", "https://a:443", "https://u@a", "https://a,", "ws://a", "https://a?q"],
        ),
        ("log.format", &["", "xml"]),
        ("log.level", &["", "inof", "info,", "auth_http", "[span]=info", "auth_http=loud", "INFO"]),
        ("rate_limit", &["", "maybe"]),
        ("dialects.single_token.enabled", &["", "yes"]),
        (
            "dialects.single_token.prefix",
            &["", "/", "v1", "/v1/", "//v1", "/v1//a", "/v 1", "/{v}", "/a/../b"],
        ),
        ("dialects.single_token.prefix", &["/health", "/docs", "/openapi/v1", "/.well-known"]),
        (
            "database_url",
            &["", "sqlite:", "sqlite::memory:", "sqlite:a?mode=ro", "mysql://u@h/d", "u:s3cret@h"],
        ),
        (
            "database_url",
            &["postgres:u:s3cret@h/d", "postgres://u:s3cret@h:x/d", "postgres://u:s3cret/x@h/d"],
        ),
        (
            "database_url",
            &["postgres://u:s3cret%@h/d", "postgres://u:x@s3cret@h/d", "postgres://u:s3cret@h,g/d"],
        ),
        ("database_url", &["postgres://u:s3cret@h/d?sslmode=s3cret", "postgres://u:p@h/d?s3cret"]),
        (
            "database_url",
            &["postgres://u:s3cret@h/d?sslcrl=a", "postgres://u:s3cret@h/d?channel_binding=require"],
        ),
        (
            "database_url",
            &["postgres://u:s3cret@h/d?sslrootcert=ca.pem", "postgres://u:s3cret@h/d?unknown=1"],
        ),
    ];
    for (key, values) in refused {
        for value in *values {
            let message = error_text(from_flags(&[(key, value)]));
            assert!(message.starts_with(&format!("{key} (--set) must be ")), "{value}: {message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}

#[test]
fn refused_origin_and_header_are_explained() {
    for (key, value, fault) in [
        (
            "cors_origins",
            "https://a,file:///srv/index.html",
            "in a list; origin 2 is that of a file: its pages send",
        ),
        (
            "cors_origins",
            "null",
            "in a list; origin 1 is null, which browsers send for the pages of every file",
        ),
        ("cors_origins", "https://app.example.com/", "in a list; origin 1 has something after the port"),
        ("cors_headers", "x-a,cookie", "in a list; header 2 is set by browsers themselves"),
    ] {
        let message = error_text(from_flags(&[(key, value)]));
        assert!(message.contains(fault), "{message}");
    }
}

#[test]
fn a_value_of_another_type_is_refused_in_a_file() {
    for line in [
        "listen = 8080",
        "token.access_seconds = \"900\"",
        "token.access_seconds = 9.5",
        "token.access_seconds = 0x10",
        "data_dir = true",
        "data_dir = [\"a\"]",
        "trusted_proxies = [1]",
        "rate_limit = 0",
        "public_url = 2026-01-01",
        "[[listen]]\na = 1",
    ] {
        let message = error_text(from_file(line));
        assert!(message.contains("auth.toml:1) must be"), "{message}");
    }
}

#[test]
fn a_broken_file_is_refused_without_quoting_it() {
    let message =
        error_text(from_file("listen = \"127.0.0.1:1\"\ndatabase_url = \"postgres://u:s3cret@h/d\"\nx"));
    assert!(message.contains("auth.toml:3: not valid TOML: "), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    let unquoted = error_text(from_file("listen = 127.0.0.1:8080"));
    assert!(
        unquoted.ends_with("auth.toml:1: not valid TOML: a value that is not a number must be quoted"),
        "{unquoted}"
    );
    let unclosed = error_text(from_file("database_url = \"postgres://u:s3cret@h/d\n"));
    assert!(unclosed.contains("auth.toml:1: not valid TOML: ") && !unclosed.contains("s3cret"), "{unclosed}");
    let missing = Sources { file: Some("/nowhere/auth.toml".into()), ..Sources::default() };
    assert_eq!(
        error_text(wiring::load_settings(&missing)),
        "cannot read the settings file /nowhere/auth.toml"
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let environment = vec![("AUTH_DATA_DIR".into(), OsString::from_vec(vec![b'a', 0xff]))];
    let message = error_text(wiring::load_settings(&Sources { environment, ..Sources::default() }));
    assert_eq!(message, "data_dir (AUTH_DATA_DIR) must be UTF-8");
}

#[test]
fn printed_settings_contain_no_password() {
    for url in [
        "postgres://auth:s3cret@db.example.com:5432/auth?sslmode=verify-full&application_name=x",
        "postgres://auth@db.example.com/auth?password=s3cret",
    ] {
        let settings = from_flags(&[("database_url", url)]).expect("settings");
        assert_eq!(settings.database_url.expose(), url);
        for printed in [settings.show(), format!("{settings:?}"), settings.warnings().join("\n")] {
            assert!(!printed.contains("s3cret"), "{printed}");
        }
        assert!(settings.show().contains("# database_url = \"postgres://auth:********@db.example.com"));
    }
    let without = from_flags(&[("database_url", "postgres://auth@[::1]:5433/auth")]).expect("settings");
    assert!(without.show().contains("\ndatabase_url = \"postgres://auth@[::1]:5433/auth\""));
}

fn warnings(flags: &[(&str, &str)]) -> String {
    from_flags(flags).expect("settings").warnings().join("\n")
}

#[test]
fn dialects_share_a_path_only_if_their_documents_do() {
    for (moved, prefix, other) in [("token_pair", "/api/auth", "cookie"), ("cookie", "/v1", "single_token")] {
        let key = format!("dialects.{moved}.prefix");
        let message = error_text(from_flags(&[(&key, prefix)]));
        assert!(message.starts_with(&format!("{key} (--set) must not ")), "{message}");
        assert!(message.contains(other), "{message}");
        from_flags(&[(&key, prefix), (&format!("dialects.{other}.enabled"), "false")]).expect("no other");
    }
    let together = [("dialects.token_pair.prefix", "/x/auth"), ("dialects.directory.prefix", "/x")];
    from_flags(&together).expect("as documented");
}

#[test]
fn settings_without_effect_cause_warnings() {
    let postgres = ("database_url", "postgres://u@localhost/d");
    for (key, value, other, reason) in [
        ("database.max_connections", "5", postgres, "the store is SQLite"),
        ("token.outage_grace_seconds", "5", postgres, "the store is SQLite"),
        ("session.idle_seconds", "60", ("session.absolute_seconds", "60"), ""),
    ] {
        let expected =
            if reason.is_empty() { String::new() } else { format!("{key} has no effect: {reason}") };
        assert_eq!(warnings(&[(key, value)]), expected);
        assert_eq!(warnings(&[(key, value), other]), "");
    }
    let endless = warnings(&[("session.idle_seconds", "61"), ("session.absolute_seconds", "60")]);
    assert_eq!(endless, "session.idle_seconds has no effect: session.absolute_seconds is shorter");
    let unlimited = warnings(&[("limits.login_burst", "3"), ("rate_limit", "off")]);
    assert_eq!(unlimited, "limits.login_burst has no effect: rate_limit is off");
}

#[test]
fn unsafe_settings_cause_warnings() {
    for key in ["public_url", "listen"] {
        let value = if key == "listen" { "0.0.0.0:8080" } else { "https://auth.example.com" };
        assert!(warnings(&[(key, value), ("rate_limit", "off")]).contains("rate_limit is off"));
        assert!(!warnings(&[(key, value)]).contains("rate_limit is off"));
    }
    assert_eq!(warnings(&[("rate_limit", "off")]), "", "the service is reachable only from this machine");
    let behind = ("public_url", "https://auth.example.com");
    assert_eq!(warnings(&[behind, ("trusted_proxies", "127.0.0.1")]), "");
    for (key, value, warning) in [
        ("public_url", "http://auth.example.com", "without https"),
        ("public_url", "https://auth.example.com", "trusted_proxies is empty"),
        ("listen", "0.0.0.0:8080", "other machines reach the service"),
        ("database_url", "postgres://u@db.example.com/d", "without TLS"),
        ("database_url", "postgres://u@db.example.com/d?sslmode=prefer", "without TLS"),
        ("database_url", "postgres://u@10.0.0.1/d?sslmode=require", "does not verify the server"),
        ("database_url", "postgres://u@db.example.com/d?host=10.0.0.1", "without TLS"),
        ("database_url", "postgres://u:p@localhost/d", "on the command line"),
        ("trusted_proxies", "0.0.0.0/0", "any client can claim any address"),
        ("trusted_proxies", "10.0.0.0/8,::/0", "any client can claim any address"),
        ("cors_origins", "https://a,http://b.example", "cors_origins contains http://b.example"),
        ("cors_headers", "x-request-id", "cors_headers has no effect without cors_origins"),
    ] {
        let found = warnings(&[(key, value)]);
        assert!(found.contains(warning), "{key} = {value}: {found}");
    }
    let names = ["single_token", "directory", "token_pair", "accounts", "cookie"];
    let disabled = names.map(|name| format!("dialects.{name}.enabled"));
    let disabled = disabled.each_ref().map(|key| (key.as_str(), "false"));
    assert!(warnings(&disabled).contains("no user can log in"));
    assert_eq!(warnings(&disabled[1..]), "", "one dialect is enough");
    for (key, value) in [
        ("public_url", "http://localhost:8080"),
        ("database_url", "postgres://u@127.0.0.1/d"),
        ("database_url", "postgres://u@[::1]/d"),
        ("database_url", "postgres://u@%2Frun%2Fpostgresql/d"),
        ("database_url", "postgres://u@h/d?host=/run/postgresql"),
        ("database_url", "postgres://u@db.example.com/d?sslmode=verify-full"),
        ("database_url", "postgres://u@db.example.com/d?sslrootcert=system"),
        ("database_url", "postgresql:///d"),
        ("trusted_proxies", "127.0.0.1"),
        ("cors_origins", "https://app.example.com,http://localhost:5173"),
        ("cors_origins", "capacitor://localhost,http://tauri.localhost"),
    ] {
        assert_eq!(warnings(&[(key, value)]), "", "{key} = {value}");
    }
}

/// The warnings for a settings file with this text and this mode.
#[cfg(unix)]
fn file_warnings(text: &str, mode: u32) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, path) = file(text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("permissions");
    let settings = wiring::load_settings(&Sources { file: Some(path), ..Sources::default() });
    settings.expect("settings").warnings().join("\n")
}

#[cfg(unix)]
#[test]
fn a_settings_file_open_to_other_users_causes_a_warning() {
    let (open, secret) = ("listen = '127.0.0.1:1'", "database_url = 'postgres://u:s3cret@localhost/d'");
    assert_eq!(file_warnings(open, 0o644), "");
    assert_eq!(file_warnings(secret, 0o640), "");
    assert!(file_warnings(open, 0o664).contains("can be written by users other than its owner"));
    assert!(file_warnings(secret, 0o644).contains("every user can read it"));
    assert!(!file_warnings(secret, 0o644).contains("s3cret"));
}

#[test]
fn limits_are_on_and_can_be_set() {
    assert!(wiring::default_settings().rate_limit);
    assert!(!from_flags(&[("rate_limit", "off")]).expect("settings").rate_limit);
    let settings = from_flags(&[
        ("limits.login_burst", "7"),
        ("limits.login_per_minute", "8"),
        ("limits.registration_burst", "9"),
        ("limits.registration_per_minute", "10"),
        ("limits.refresh_per_5_minutes", "11"),
        ("limits.account_free", "12"),
        ("limits.account_longest_wait_seconds", "13"),
    ]);
    let attempts = settings.expect("settings").policy.attempts;
    assert_eq!((attempts.log_ins.burst, attempts.log_ins.quota), (7, 8));
    assert_eq!((attempts.registrations.burst, attempts.registrations.quota), (9, 10));
    assert_eq!((attempts.refreshes.burst, attempts.refreshes.quota), (11, 11));
    assert_eq!((attempts.account.free_failures, attempts.account.max_wait.as_secs()), (12, 13));
    for (key, value) in [("limits.login_burst", "0"), ("limits.account_free", "51")] {
        assert!(error_text(from_flags(&[(key, value)])).contains("must be a whole number"));
    }
}
