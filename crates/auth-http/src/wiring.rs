//! Maps the settings to the builder of the service and to the dialects.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::Auth;
use auth_domain::model::{Blocklist, Client, ClientId};
use auth_domain::policy::Policy;
use auth_infra::password::HashingSettings;
use auth_infra::service::{Service, ServiceBuilder};

use crate::dialects::{self, Context, Dialect, MountedDialect, Profile, PublicTerms, Router};
use crate::openapi;
use crate::settings::{DatabaseUrl, DialectSettings, Settings, SettingsError, Source, Sources, reference};
use crate::web_origin::OriginPolicy;

/// The builder of the service that the settings describe. No other module connects adapters to ports.
pub fn service(settings: &Settings) -> ServiceBuilder {
    let store = match &settings.database_url {
        DatabaseUrl::Sqlite(path) => Service::sqlite_file(path),
        url @ DatabaseUrl::Postgres(_) => {
            Service::postgres(url.expose()).max_connections(settings.max_connections)
        }
    };
    // The clients of disabled dialects are included: their access tokens stay verifiable for resource servers.
    let clients = dialects::ALL.into_iter().map(|dialect| client(settings, &dialect.profile()));
    store
        .data_dir(&settings.data_dir)
        .keys_dir(&settings.keys_dir)
        .key_algorithm(settings.algorithm)
        .jwks_max_age(settings.keys_max_age)
        .issuer(settings.public_url.as_str())
        .audience(&settings.audience)
        .clients(clients)
        .policy(policy(settings))
        .hashing(settings.hashing.clone())
        .attempt_limits(settings.rate_limit)
}

/// The client of a dialect.
fn client(settings: &Settings, profile: &Profile) -> Client {
    Client::new(ClientId::from_static(profile.name), profile.refresh_style)
        .with_access_lifetime(settings.access_lifetime_or(profile.access_lifetime))
}

/// Reads the settings of a service that has every dialect.
///
/// # Errors
/// As [`Settings::load`], and when two dialects would answer at one path.
pub fn load_settings(sources: &Sources) -> Result<Settings, SettingsError> {
    let settings = Settings::load(sources, documented_dialects())?;
    let shared = shared_path(&settings).map(|(one, other, path)| settings.shared_path(one, other, &path));
    shared.map_or(Ok(settings), Err)
}

/// Two enabled dialects, and a path of both that their documents do not share. The router could not choose between them.
fn shared_path(settings: &Settings) -> Option<(&DialectSettings, &DialectSettings, String)> {
    let enabled = |dialect: &&'static dyn Dialect| {
        let set = settings.dialect(dialect.profile().name).filter(|set| set.enabled)?;
        Some(dialect.routes().iter().map(move |route| (set, route)))
    };
    let routes: Vec<_> = dialects::ALL.iter().filter_map(enabled).flatten().collect();
    let pairs = routes
        .iter()
        .enumerate()
        .flat_map(|(index, one)| routes[..index].iter().map(move |other| (one, other)));
    pairs.into_iter().find_map(|((one, route), (other, same))| {
        let path = format!("{}{}", one.prefix, route.path);
        let is_shared = route.method == same.method && path == format!("{}{}", other.prefix, same.path);
        let [documented, others] = [(one, route), (other, same)]
            .map(|(set, route)| format!("{}{}", set.documented_prefix, route.path));
        (is_shared && documented != others).then_some((*one, *other, path))
    })
}

/// The default settings of a service that has every dialect.
#[must_use]
pub fn default_settings() -> Settings {
    Settings::defaults(documented_dialects())
}

/// The reference page of the settings, `docs/configuration.md`.
#[must_use]
pub fn settings_reference() -> String {
    reference(documented_dialects())
}

fn documented_dialects() -> Vec<DialectSettings> {
    let profiles = dialects::ALL.iter().map(|dialect| dialect.profile());
    profiles.map(|profile| DialectSettings::documented(profile.name, profile.prefix)).collect()
}

/// The rules of the settings.
#[must_use]
pub fn policy(settings: &Settings) -> Policy {
    let mut policy = settings.policy.clone();
    policy.registration.default_roles = settings.default_roles.clone();
    policy.registration.self_assignable_roles = settings.self_assignable_roles.clone();
    let enabled = settings.dialects.iter().filter(|set| set.enabled);
    policy.clients = Some(enabled.map(|set| ClientId::from_static(set.name)).collect());
    policy.attempts.refusal_time = refusal_time(settings);
    policy.passwords.min_length = min_password_length(settings);
    policy.passwords.blocklist = settings.refuse_common_passwords.then(Blocklist::common);
    policy
}

/// The smallest minimum of the enabled dialects. Each demands its own before the use case.
fn min_password_length(settings: &Settings) -> usize {
    let enabled = dialects::ALL
        .iter()
        .map(|dialect| dialect.profile())
        .filter(|profile| settings.dialect(profile.name).is_some_and(|set| set.enabled));
    let minima = enabled.map(|profile| settings.min_password_length_or(profile.min_password_length));
    minima.min().unwrap_or_default().0
}

/// The time of a refusal grows with the cost of a hash, which it hides. It must end before the deadline of an answer.
fn refusal_time(settings: &Settings) -> Duration {
    const MAX_REFUSAL_TIME: Duration = Duration::from_secs(2);
    let cost = |hashing: &HashingSettings| u64::from(hashing.memory_kib) * u64::from(hashing.iterations);
    let factor = cost(&settings.hashing).div_ceil(cost(&HashingSettings::default()));
    let factor = u32::try_from(factor).unwrap_or(u32::MAX);
    settings.policy.attempts.refusal_time.saturating_mul(factor).min(MAX_REFUSAL_TIME)
}

/// The enabled dialects under their prefixes.
#[must_use]
pub fn router(settings: &Settings, auth: &Auth) -> Router {
    let origins = Arc::new(origin_policy(settings));
    let enabled = dialects::ALL.into_iter().filter_map(|dialect| {
        let set = settings.dialect(dialect.profile().name).filter(|set| set.enabled)?;
        Some(mounted_dialect(settings, auth, &origins, dialect, &set.prefix))
    });
    Router::new(enabled.collect(), Arc::clone(&origins))
}

/// Which pages may call the service.
#[must_use]
pub fn origin_policy(settings: &Settings) -> OriginPolicy {
    let Settings { public_url, cors_origins, cors_headers, .. } = settings;
    OriginPolicy::new(public_url.clone(), cors_origins.clone(), cors_headers.clone())
}

/// The settings of a dialect that its clients can observe.
#[must_use]
pub fn public_terms(settings: &Settings, profile: &Profile, prefix: &str) -> PublicTerms {
    PublicTerms {
        prefix: prefix.to_owned(),
        min_password_length: settings.min_password_length_or(profile.min_password_length),
        self_assignable_roles: settings.self_assignable_roles.clone(),
        public_url: settings.public_url.clone(),
    }
}

/// The OpenAPI document of a dialect as JSON, under its configured prefix. `None` for a dialect without settings.
#[must_use]
pub fn openapi(settings: &Settings, dialect: &dyn Dialect) -> Option<String> {
    let profile = dialect.profile();
    let terms = public_terms(settings, &profile, &settings.dialect(profile.name)?.prefix);
    let is_set = !matches!(settings.source("public_url"), Source::Default);
    openapi::to_json(&openapi::document(dialect, &terms, is_set.then_some(&settings.public_url)))
}

/// A dialect under a prefix, with the state of its handlers.
#[must_use]
pub fn mounted_dialect(
    settings: &Settings,
    auth: &Auth,
    origins: &Arc<OriginPolicy>,
    dialect: &'static dyn Dialect,
    prefix: &str,
) -> MountedDialect {
    let profile = dialect.profile();
    let context = Context {
        auth: auth.clone(),
        client: client(settings, &profile),
        terms: public_terms(settings, &profile, prefix),
        required_role: settings.required_role.clone(),
        origins: Arc::clone(origins),
        trusted_proxies: settings.trusted_proxies.clone(),
    };
    MountedDialect { dialect, context }
}
