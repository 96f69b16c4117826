//! The table of every setting.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::setting::Accepts::{Integer, List, ListWith, Switch, Text, TextIf};
use super::setting::{Setting, Value as _, field};
use super::{DialectSettings, ListenAddress, database, logging};
use crate::origin::{PublicUrl, TrustedProxies};
use crate::web_origin::{CorsHeaders, CorsOrigins};

const DAY: u32 = 24 * 60 * 60;
const YEAR: u32 = 366 * DAY;
const ROLES: &str =
    "role names, each 1 to 64 of a-z, 0-9, '_', '-' and '.', beginning with a letter, in a list";
const ROLE: &str = "a role name, 1 to 64 of a-z, 0-9, '_', '-' and '.', beginning with a letter, or empty";
const ATTEMPTS: RangeInclusive<u32> = 1..=1_000_000;
/// The first segments of the paths outside the dialects.
const RESERVED_SEGMENTS: &[&str] = &[".well-known", "health", "docs", "openapi", "metrics"];

/// Every setting, in the order of the documentation.
pub(super) fn table(dialects: &[DialectSettings]) -> Vec<Setting> {
    let mut table = fixed();
    table.extend(dialects.iter().enumerate().flat_map(|(index, settings)| dialect(index, settings.name)));
    table
}

/// Defines the function `fixed`, the rows that do not depend on the dialects. A row contains the key, what the setting
/// accepts, its field, its default in words if that is not a constant, and its description.
macro_rules! rows {
    ($($key:literal: $accepts:expr, $field:expr, $(default $default:literal,)? $doc:literal;)+) => {
        fn fixed() -> Vec<Setting> {
            vec![$(Setting::new($key, $accepts, $field, $doc)$(.with_default($default))?),+]
        }
    };
}

rows! {
    "listen": Text(ListenAddress::ALLOWED), field!(listen),
        "The address of the listener, without TLS. A host name is resolved at the start, to its first IPv4 \
         address if it has one. Without a port it is that of the variable `PORT`, or else 8080. With port 0 the \
         system selects a port, and the service prints it.";
    "data_dir": Text("a path"), field!(data_dir),
        "The directory of the service's own files: the SQLite file and the signing keys.";
    "database_url": Text(database::ALLOWED), field!(database_url),
        default "`sqlite:` and `auth.db` in `data_dir`",
        "The store. SQLite serves one node; several nodes share one PostgreSQL. Other users of the machine \
         can read a command line: keep a password in the environment or a file.";
    "keys_dir": Text("a path"), field!(keys_dir), default "`keys` in `data_dir`",
        "The directory of the signing keys, one PEM file each, `<kid>.pem`. The newest key whose time \
         has come signs, and the older ones verify what they signed. Nodes that serve together share the keys.";
    "public_url": Text(PublicUrl::ALLOWED), field!(public_url), default "`http://` and `listen`",
        "The URL under which clients reach the service; the issuer (`iss`) of its access tokens.";
    "trusted_proxies": List(TrustedProxies::ALLOWED), field!(trusted_proxies),
        "The proxies whose forwarding headers give the client's address, by which limits count and which the \
         log contains. Without proxies it is the address of the connection.";
    "rate_limit": Switch, field!(rate_limit),
        "Whether failed log-ins, failed refreshes, registrations and the connections of an address are limited. Off \
         is for load tests.";
    "cors_origins": ListWith(CorsOrigins::ALLOWED, |list| CorsOrigins::parse(list).err()), field!(cors_origins),
        "The other web origins whose pages may call the service from a browser. Pages of web sites may also use \
         the cookie. Browsers send it only for pages of the same site: the service and the page need one registrable \
         domain. Apps and browser extensions (`capacitor://localhost`, `chrome-extension://ID`) may only use \
         access tokens.";
    "cors_headers": ListWith(CorsHeaders::ALLOWED, |list| CorsHeaders::parse(list).err()), field!(cors_headers),
        "Further request headers that pages of `cors_origins` may send. Allowed in any case are those that the \
         dialects read, `baggage`, `sentry-trace`, `traceparent` and `tracestate`.";
    "token.access_seconds": Integer("seconds", 1..=DAY), field!(access_lifetime),
        "The lifetime of access tokens in every dialect. A dialect whose document defines a lifetime has \
         that one as its default.";
    "token.retry_grace_seconds": Integer("seconds", 0..=30), field!(policy.session.retry_grace),
        "The retry window. After a refresh, the used token gets the current one for this time. A lost response \
         therefore logs no user out. A token is replaced at most 16 times within it, for each session. 0: no \
         retries, and no such limit.";
    "token.outage_grace_seconds": Integer("seconds", 0..=600), field!(policy.session.outage_grace),
        "Time during which this node could not reach PostgreSQL does not count towards the retry window. This is \
         the maximum by which that extends the window.";
    "token.algorithm": Text("EdDSA or ES256"), field!(algorithm),
        "The algorithm of new signing keys. An existing key keeps its algorithm until `auth-http keys rotate` \
         replaces it.";
    "token.jwks_max_age_seconds": Integer("seconds", 1..=DAY), field!(keys_max_age),
        "The time for which verifiers may cache the published keys (`Cache-Control: max-age` of the JWKS).";
    "token.rotation_delay_seconds": Integer("seconds", 2..=DAY), field!(rotation_delay),
        "The time for which `auth-http keys rotate` publishes a key before it signs. It must exceed \
         `token.jwks_max_age_seconds`, so that every verifier has loaded the key by then.";
    "token.audience": TextIf("1 to 255 visible ASCII characters", is_audience), field!(audience),
        default "`public_url`",
        "The audience (`aud`) of the access tokens.";
    "token.ended_sessions": Switch, field!(has_ended_sessions),
        "Whether `/.well-known/ended-sessions` lists the ids of the sessions that ended while their access tokens were \
         valid. Resource servers need it to refuse these tokens at once. To restrict it, let a proxy restrict the path.";
    "session.idle_seconds": Integer("seconds", 1..=YEAR), field!(policy.session.idle),
        "A session ends when it is not refreshed for this time.";
    "session.absolute_seconds": Integer("seconds", 1..=YEAR), field!(policy.session.absolute),
        "A session ends this long after its log-in, even if it is refreshed.";
    "session.max_live": Integer("sessions", 1..=1_000), field!(policy.session.max_live),
        "The maximum number of live sessions of one user. A further log-in ends the oldest one.";
    "limits.login_burst": Integer("failures", ATTEMPTS), field!(policy.attempts.log_ins.burst),
        "Failed log-ins from one address, or one IPv6 network of 64 bits, before it must wait. Correct \
         passwords do not count. A program with an API key may fail a thousand times as often, and register \
         as often.";
    "limits.login_per_minute": Integer("failures", ATTEMPTS), field!(policy.attempts.log_ins.quota),
        "Failed log-ins per minute from an address that has used up its burst.";
    "limits.registration_burst": Integer("registrations", ATTEMPTS), field!(policy.attempts.registrations.burst),
        "Registrations from one address before it must wait.";
    "limits.registration_per_minute": Integer("registrations", ATTEMPTS), field!(policy.attempts.registrations.quota),
        "Registrations per minute from an address that has used up its burst.";
    "limits.refresh_per_5_minutes": Integer("failures", ATTEMPTS), (
        Box::new(|s| s.policy.attempts.refreshes.quota.show()),
        Box::new(|s, text| {
            s.policy.attempts.refreshes.quota = u32::parse(text)?;
            s.policy.attempts.refreshes.burst = s.policy.attempts.refreshes.quota;
            Some(())
        }),
    ),
        "Failed refreshes from one address within five minutes, in a burst or spread.";
    "limits.account_free": Integer("failures", 1..=50), field!(policy.attempts.account.free_failures),
        "Consecutive failed log-ins of one account without a wait. Each further failure makes the account \
         wait: 1, 2, 4 .. seconds. A fixed limit of a hundred consecutive failures applies in addition.";
    "limits.account_longest_wait_seconds": Integer("seconds", 1..=86_400), field!(policy.attempts.account.max_wait),
        "The longest wait of an account after a failed log-in. An owner at an address from which they logged \
         in before does not wait for the failures of others.";
    "hashing.memory_kib": Integer("KiB", 12_288..=1_048_576), field!(hashing.memory_kib),
        "Argon2id: the memory of one hash. At least 47104 with 1 iteration, 19456 with 2, 12288 with 3 or \
         more.";
    "hashing.iterations": Integer("iterations", 1..=10), field!(hashing.iterations),
        "Argon2id: the number of passes over the memory.";
    "hashing.parallelism": Integer("lanes", 1..=16), field!(hashing.parallelism),
        "Argon2id: the lanes of one hash.";
    "hashing.memory_budget_mib": Integer("MiB", 12..=1_048_576), (
        Box::new(|s| (s.hashing.memory_budget_kib / 1024).show()),
        Box::new(|s, text| {
            s.hashing.memory_budget_kib = u32::parse(text)? * 1024;
            Some(())
        }),
    ),
        "The memory of all concurrent hashes. The service runs as many hashes at a time as fit into it, and \
         at most one per core.";
    "password.min_length": Integer("characters", 1..=128), field!(min_password_length),
        default "each document's own",
        "The minimum length of a new password. It raises the minimum of a dialect and never lowers it.";
    "password.refuse_common": Switch, field!(refuse_common_passwords),
        "Whether to refuse a new password that is one of the 42,692 most common ones or one of the account's \
         own names, in any spelling. The whole password is compared, not parts of it.";
    "registration.default_roles": List(ROLES), field!(default_roles),
        "The roles of a user who registers and chooses none.";
    "registration.self_assignable_roles": List(ROLES), field!(self_assignable_roles),
        "The roles that a user who registers may choose, in dialects that offer the choice.";
    "protected.required_role": Text(ROLE), field!(required_role),
        "The role that the protected resource requires. Empty: every user may read it.";
    "log.format": Text("text or json"), field!(log_format), default "`text` on a terminal, `json` elsewhere",
        "The format of the log, which goes to standard error: one line of text or of JSON per event.";
    "log.level": Text(logging::LEVEL_ALLOWED), field!(log_level),
        "The logged events. Below `info` only this service's own events are logged, because those of its \
         libraries could contain data of clients.";
    "audit.retention_days": Integer("days", 0..=36_500), (
        Box::new(|s| (s.policy.audit.retention.unwrap_or_default().as_secs() / u64::from(DAY)).to_string()),
        Box::new(|s, text| {
            let days = u32::parse(text)?;
            s.policy.audit.retention = (days > 0).then(|| Duration::from_secs(u64::from(DAY)) * days);
            Some(())
        }),
    ),
        "The time for which the store keeps audit events. 0: without limit.";
    "http.workers": Integer("threads", 1..=512), field!(workers), default "the number of cores",
        "The threads that serve requests.";
    "http.keep_alive_seconds": Integer("seconds", 1..=3_600), field!(keep_alive),
        "The time from an answer to the next complete request head on a connection. It should exceed the \
         idle timeout of the load balancer, often 60 seconds, so that the load balancer closes the \
         connection.";
    "http.connections_per_address": Integer("connections", 1..=20_000), field!(connections_per_address),
        default "a tenth of all connections, at least 64; without limit if `rate_limit` is off",
        "The connections that one client address, or one IPv6 network of 64 bits, may have open. Behind a proxy that \
         is not in `trusted_proxies`, all clients share this limit.";
    "docs.enabled": Switch, field!(has_docs),
        "Whether the API reference at `/docs` and the OpenAPI documents at `/openapi/` are served. Off: these paths \
         are answered 404, and the page at `/` does not link them.";
    "database.max_connections": Integer("connections", 1..=1_000), field!(max_connections),
        "The maximum number of connections to PostgreSQL, without the one that listens for revocations. \
         SQLite has one connection for writing and a few for reading.";
}

fn dialect(index: usize, name: &str) -> [Setting; 2] {
    let allowed = "/SEGMENT[/SEGMENT].. of letters, digits and -._~, without a slash at the end, and not one of the \
                   service's own paths";
    [
        Setting::new(
            format!("dialects.{name}.enabled"),
            Switch,
            field!(dialects[index].enabled),
            format!("Whether the dialect `{name}` is served. If not, its access tokens open nothing."),
        ),
        Setting::new(
            format!("dialects.{name}.prefix"),
            TextIf(allowed, is_prefix),
            field!(dialects[index].prefix),
            format!("The prefix of the paths of `{name}`."),
        ),
    ]
}

fn is_audience(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_prefix(text: &str) -> bool {
    let Some(path) = text.strip_prefix('/') else { return false };
    let first = path.split('/').next().unwrap_or_default();
    path.split('/').all(is_segment) && !RESERVED_SEGMENTS.contains(&first)
}

fn is_segment(segment: &str) -> bool {
    let has_allowed_bytes =
        segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    has_allowed_bytes && !matches!(segment, "" | "." | "..")
}
