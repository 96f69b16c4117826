//! What must hold between settings.

use super::{DialectSettings, HashingSettings, Settings, SettingsError};

/// The least memory in KiB by iterations: the rows of the OWASP Password Storage Cheat Sheet for Argon2id that this
/// service takes.
const OWASP_FLOOR: [(u32, u32); 3] = [(1, 47_104), (2, 19_456), (3, 12_288)];

/// Refuses settings that do not go together.
pub(super) fn check(settings: &Settings) -> Result<(), SettingsError> {
    check_hashing(settings)?;
    check_prefixes(settings)
}

fn check_hashing(settings: &Settings) -> Result<(), SettingsError> {
    let HashingSettings { memory_kib, iterations, memory_budget_mib, .. } = settings.hashing;
    let floor =
        OWASP_FLOOR.iter().rfind(|(passes, _)| *passes <= iterations).map_or(u32::MAX, |(_, kib)| *kib);
    if memory_kib < floor {
        let reason = "makes hashes too weak: hashing.memory_kib must be 47104 or more with hashing.iterations = 1, \
                      19456 or more with 2, 12288 or more with 3 and up";
        let keys = ["hashing.memory_kib", "hashing.iterations"];
        let key = keys.into_iter().find(|key| settings.origins.contains_key(*key)).unwrap_or(keys[0]);
        return Err(refused(settings, key, reason.to_owned()));
    }
    if u64::from(memory_budget_mib) * 1024 < u64::from(memory_kib) {
        let least = memory_kib.div_ceil(1024);
        let reason = format!("must be {least} or more, the memory of one hash (hashing.memory_kib)");
        return Err(refused(settings, "hashing.memory_budget_mib", reason));
    }
    Ok(())
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
        let dialects = dialects.iter().map(dialect).collect();
        check(&Settings { dialects, ..Settings::default() }).map_err(|error| error.to_string())
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
        let mut settings = Settings::default();
        let first = settings.dialects[0].clone();
        settings.dialects.push(DialectSettings {
            name: "two",
            documented_prefix: "/two",
            enabled: false,
            ..first
        });
        assert!(check(&settings).is_ok());
    }
}
