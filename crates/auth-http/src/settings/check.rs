//! What must hold between settings.

use auth_infra::password::InvalidHashingSettings;

use super::{DialectSettings, Settings, SettingsError};

/// Refuses settings that do not go together.
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
    let key = keys.into_iter().find(|key| settings.origins.contains_key(*key)).unwrap_or(keys[0]);
    Err(refused(settings, key, format!("cannot be: {error}")))
}

/// Two dialects may share a prefix only if their documents do: then they can be told apart.
fn check_prefixes(settings: &Settings) -> Result<(), SettingsError> {
    let served: Vec<_> = settings.dialects.iter().filter(|dialect| dialect.enabled).collect();
    for (index, dialect) in served.iter().enumerate() {
        if let Some(other) = served.iter().take(index).find(|other| clash(dialect, other)) {
            let moved = [dialect, other].into_iter().find(|either| either.prefix != either.documented_prefix);
            let (moved, stays) = if moved == Some(other) { (other, dialect) } else { (dialect, other) };
            let reason = format!("must not be the prefix of {} too", stays.name);
            return Err(refused(settings, &format!("dialects.{}.prefix", moved.name), reason));
        }
    }
    Ok(())
}

fn clash(one: &DialectSettings, other: &DialectSettings) -> bool {
    one.prefix == other.prefix && one.documented_prefix != other.documented_prefix
}

fn refused(settings: &Settings, key: &str, reason: String) -> SettingsError {
    SettingsError::Refused { key: key.to_owned(), origin: settings.source(key).clone(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(dialects: &[(&'static str, &'static str, &str)]) -> Result<(), String> {
        let dialect = |&(name, documented_prefix, prefix): &(&'static str, &'static str, &str)| {
            DialectSettings { name, documented_prefix, enabled: true, prefix: prefix.to_owned() }
        };
        check(&Settings::defaults(dialects.iter().map(dialect).collect())).map_err(|error| error.to_string())
    }

    #[test]
    fn dialects_share_a_prefix_only_if_their_documents_do() {
        assert_eq!(outcome(&[("one", "/v1", "/v1"), ("two", "/api", "/api")]), Ok(()));
        assert_eq!(outcome(&[("one", "/api", "/api"), ("two", "/api", "/api")]), Ok(()));
        for dialects in [
            [("one", "/v1", "/api"), ("two", "/api", "/api")],
            [("two", "/api", "/api"), ("one", "/v1", "/api")],
        ] {
            let refusal = "dialects.one.prefix (default) must not be the prefix of two too";
            assert_eq!(outcome(&dialects), Err(refusal.to_owned()));
        }
    }

    #[test]
    fn a_dialect_that_is_not_served_takes_no_prefix() {
        let served = DialectSettings::documented("one", "/v1");
        let disabled =
            DialectSettings { name: "two", documented_prefix: "/two", enabled: false, ..served.clone() };
        assert!(check(&Settings::defaults(vec![served, disabled])).is_ok());
    }
}
