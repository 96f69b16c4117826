//! The reference of the settings, `docs/configuration.md`.

use std::fmt::Write as _;

use super::setting::Setting;
use super::show::literal;
use super::{DialectSettings, Settings, keys};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `auth-http config docs`. Do not edit: change the table in crates/auth-http/src/settings/keys.rs and run
     `just configuration`. A test fails while this page is stale. -->

Every setting has a default that is safe on one machine. Settings are read from, the later over the earlier:

1. the defaults;
2. a TOML file: `--config FILE`, or else the file that `AUTH_CONFIG` names;
3. the environment: `AUTH_LISTEN` sets `listen`, `AUTH_TOKEN__ACCESS_SECONDS` sets `token.access_seconds`;
4. flags: `--set key=value`, as often as needed, then `--listen` and `--data-dir`.

```toml
listen = \"0.0.0.0:8080\"
public_url = \"https://auth.example.com\"
trusted_proxies = [\"10.0.0.0/8\"]

[token]
access_seconds = 600
```

A key that does not exist, in the file or in a variable that begins with `AUTH_`, stops the start, and so does a value
that is malformed or unsafe: the message names the key, where it came from and what is allowed. Variables that begin
with `AUTH_TEST_` belong to the tests and are left alone. Kubernetes gives every pod variables named after the services
of its namespace: where one is called `auth`, set `enableServiceLinks: false`.

`auth-http config show` prints the settings in force with the source of each, passwords masked; `auth-http config check`
says what is unsafe about them.
";

/// The reference of every setting in Markdown.
#[must_use]
pub fn reference(dialects: Vec<DialectSettings>) -> String {
    let defaults = Settings::defaults(dialects);
    let mut text = INTRODUCTION.to_owned();
    let mut section = None;
    for setting in keys::table(&defaults.dialects) {
        let own = setting.key.rsplit_once('.').map_or("", |(section, _)| section).to_owned();
        if section.as_ref() != Some(&own) {
            let title = if own.is_empty() { "The service" } else { &own };
            let _ = write!(text, "\n## {title}\n\n");
            text.push_str(
                "| key | variable | default | takes | meaning |\n| --- | --- | --- | --- | --- |\n",
            );
            section = Some(own);
        }
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {} | {} |",
            setting.key,
            setting.variable(),
            default(&setting, &defaults),
            setting.allowed,
            setting.doc,
        );
    }
    text
}

fn default(setting: &Setting, defaults: &Settings) -> String {
    match (setting.default, setting.show(defaults)) {
        (Some(words), _) => words.to_owned(),
        (None, Some(value)) => format!("`{}`", literal(setting, &value)),
        (None, None) => "none".to_owned(),
    }
}
