//! Conditions between several settings.

use auth_infra::password::InvalidHashingSettings;

use super::{DialectSettings, Settings, SettingsError};

/// Refuses combinations of settings that are not allowed.
pub(super) fn check(settings: &Settings) -> Result<(), SettingsError> {
    check_hashing(settings)?;
    check_prefixes(settings)
}

fn check_hashing(settings: &Settings) -> Result<(), SettingsError> {
    let Err(error) = settings.hashing.validate() else { return Ok(()) };
    let keys = match error {
        InvalidHashingSettings::OverBudget { .. } => ["hashing.memory_budget_mib", "hashing.memory_kib"],
        InvalidHashingSettings::TooWeak { .. } | InvalidHashingSettings::TooCostly { .. } => {
            ["hashing.memory_kib", "hashing.iterations"]
        }
    };
    // Names the setting that the operator changed, if only one of them was changed.
    let key = keys.into_iter().find(|key| settings.sources.contains_key(*key)).unwrap_or(keys[0]);
    Err(invalid(settings, key, format!("cannot be: {error}")))
}

/// Two dialects may share a prefix only if their documents define the same one: only then can the router choose between
/// them by the request.
fn check_prefixes(settings: &Settings) -> Result<(), SettingsError> {
    let enabled: Vec<_> = settings.dialects.iter().filter(|dialect| dialect.enabled).collect();
    for (index, dialect) in enabled.iter().enumerate() {
        if let Some(other) = enabled.iter().take(index).find(|other| conflicts(dialect, other)) {
            // The documented prefixes differ, so at least one of the two was moved: name that one.
            let is_moved = dialect.prefix != dialect.documented_prefix;
            let (moved, unmoved) = if is_moved { (dialect, other) } else { (other, dialect) };
            let reason = format!("must not be the prefix of {} too", unmoved.name);
            return Err(invalid(settings, &format!("dialects.{}.prefix", moved.name), reason));
        }
    }
    Ok(())
}

fn conflicts(one: &DialectSettings, other: &DialectSettings) -> bool {
    one.prefix == other.prefix && one.documented_prefix != other.documented_prefix
}

fn invalid(settings: &Settings, key: &str, reason: String) -> SettingsError {
    SettingsError::InvalidValue { key: key.to_owned(), origin: settings.source(key).clone(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_dialects(dialects: &[(&'static str, &'static str, &str)]) -> Result<(), String> {
        let dialects = dialects.iter().map(|&(name, documented_prefix, prefix)| DialectSettings {
            name,
            documented_prefix,
            enabled: true,
            prefix: prefix.to_owned(),
        });
        check(&Settings::defaults(dialects.collect())).map_err(|error| error.to_string())
    }

    #[test]
    fn dialects_share_a_prefix_only_if_their_documents_do() {
        assert_eq!(check_dialects(&[("one", "/v1", "/v1"), ("two", "/api", "/api")]), Ok(()));
        assert_eq!(check_dialects(&[("one", "/api", "/api"), ("two", "/api", "/api")]), Ok(()));
        for dialects in [
            [("one", "/v1", "/api"), ("two", "/api", "/api")],
            [("two", "/api", "/api"), ("one", "/v1", "/api")],
        ] {
            let refusal = "dialects.one.prefix (default) must not be the prefix of two too";
            assert_eq!(check_dialects(&dialects), Err(refusal.to_owned()));
        }
    }

    #[test]
    fn a_disabled_dialect_occupies_no_prefix() {
        let enabled = DialectSettings::documented("one", "/v1");
        let disabled =
            DialectSettings { name: "two", documented_prefix: "/two", enabled: false, ..enabled.clone() };
        assert!(check(&Settings::defaults(vec![enabled, disabled])).is_ok());
    }
}
