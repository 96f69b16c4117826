//! The table of every setting.

mod absent;
mod limits;
mod users;

use std::path::PathBuf;
use std::time::Duration;

use super::setting::{Refusal, Setting};
use super::{
    ACCESS_LIFETIME, CorsOrigins, DatabaseUrl, DialectSettings, LogFormat, LogLevel, PublicUrl,
    TrustedProxies, database, logging, prefix,
};

const DAY: u32 = 24 * 60 * 60;
const YEAR: u32 = 366 * DAY;

/// Every setting, in the order in which they are documented.
pub(super) fn table(dialects: &[DialectSettings]) -> Vec<Setting> {
    let mut table = service();
    table.extend(absent::service());
    table.extend(tokens_and_sessions());
    table.extend(limits::limits());
    table.extend(users::passwords());
    table.extend(users::users());
    table.extend(running());
    table.extend(dialects.iter().enumerate().flat_map(|(index, of)| dialect(index, of.name)));
    table
}

fn service() -> Vec<Setting> {
    vec![
        Setting::text(
            "listen",
            "an IP address and a port such as 127.0.0.1:8080 or [::]:8080",
            "Where the service listens, without TLS. Port 0: the system chooses one, and it is printed.",
            |s| Some(s.listen.to_string()),
            |s, text| text.parse().map(|address| s.listen = address).map_err(|_| Refusal::NotAllowed),
        ),
        Setting::text(
            "data_dir",
            "a path",
            "The directory of the service's own files: the SQLite file and the signing keys.",
            |s| Some(s.data_dir.display().to_string()),
            |s, text| store(&mut s.data_dir, path(text)),
        ),
        Setting::text(
            "database_url",
            database::ALLOWED,
            "The store. SQLite serves one node; several nodes share one PostgreSQL. A password in it is better kept in \
             the environment or a file than on the command line, which other users of the machine can read.",
            |s| Some(s.database.url.to_string()),
            |s, text| store(&mut s.database.url, DatabaseUrl::parse(text)),
        )
        .secret()
        .by_default("`sqlite:` and `auth.db` in `data_dir`"),
        Setting::text(
            "keys_dir",
            "a path",
            "The directory of the signing keys, one PKCS#8 PEM file each, `<kid>.pem`; the newest signs, those before \
             it verify what they signed. Nodes that serve together share the keys.",
            |s| Some(s.keys_dir.display().to_string()),
            |s, text| store(&mut s.keys_dir, path(text)),
        )
        .by_default("`keys` in `data_dir`"),
        Setting::text(
            "public_url",
            PublicUrl::ALLOWED,
            "Where clients find the service; the issuer (`iss`) of its access tokens.",
            |s| Some(s.public_url.to_string()),
            |s, text| store(&mut s.public_url, PublicUrl::parse(text)),
        )
        .by_default("`http://` and `listen`"),
        Setting::list(
            "trusted_proxies",
            TrustedProxies::ALLOWED,
            "The proxies whose forwarding headers are believed about a client's address, which limits count by and the \
             log names. None: the address is the connection's own.",
            |s| Some(s.trusted_proxies.to_string()),
            |s, text| store(&mut s.trusted_proxies, TrustedProxies::parse(text)),
        ),
        Setting::switch(
            "rate_limit",
            "Whether failed log-ins, failed refreshes and registrations are limited. Off is for load tests.",
            |s| s.rate_limit,
            |s, on| {
                s.rate_limit = on;
                Ok(())
            },
        ),
        Setting::list(
            "cors_origins",
            CorsOrigins::ALLOWED,
            "The other origins whose pages browsers let use the service, cookie included. Browsers keep the cookie to \
             pages of the same site, whatever this says: the service and the page need one registrable domain.",
            |s| Some(s.cors_origins.to_string()),
            |s, text| store(&mut s.cors_origins, CorsOrigins::parse(text)),
        ),
    ]
}

fn tokens_and_sessions() -> Vec<Setting> {
    vec![
        Setting::integer(
            "token.access_seconds",
            "seconds",
            1..=DAY,
            "How long access tokens live, in every dialect; a dialect whose document names a lifetime has that one as \
             its default.",
            |s| Some(seconds(s.token.access_lifetime.unwrap_or(ACCESS_LIFETIME))),
            |s, number| s.token.access_lifetime = Some(duration(number)),
        ),
        Setting::integer(
            "token.retry_grace_seconds",
            "seconds",
            0..=30,
            "For this long after a refresh, the same credential gets the same successor again, as long as that is \
             unused: a lost response logs nobody out. 0: never.",
            |s| Some(seconds(s.policy.session.retry_grace)),
            |s, number| s.policy.session.retry_grace = duration(number),
        ),
        Setting::text(
            "token.algorithm",
            "EdDSA or ES256",
            "What new signing keys are made for; keys that exist keep their algorithm.",
            |s| Some(s.token.algorithm.as_str().to_owned()),
            |s, text| store(&mut s.token.algorithm, text.parse().ok()),
        ),
        Setting::text(
            "token.audience",
            "1 to 255 visible ASCII characters",
            "The audience (`aud`) of the access tokens.",
            |s| Some(s.token.audience.clone()),
            |s, text| {
                let fits =
                    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
                store(&mut s.token.audience, fits.then(|| text.to_owned()))
            },
        )
        .by_default("`public_url`"),
        Setting::integer(
            "session.idle_seconds",
            "seconds",
            1..=YEAR,
            "A session that is not refreshed for this long is over.",
            |s| Some(seconds(s.policy.session.idle)),
            |s, number| s.policy.session.idle = duration(number),
        ),
        Setting::integer(
            "session.absolute_seconds",
            "seconds",
            1..=YEAR,
            "A session is over this long after its login, however busy it is.",
            |s| Some(seconds(s.policy.session.absolute)),
            |s, number| s.policy.session.absolute = duration(number),
        ),
        Setting::integer(
            "session.max_live",
            "sessions",
            1..=1_000,
            "The most live sessions of one user; the oldest is ended for a new one.",
            |s| Some(s.policy.session.max_live.to_string()),
            |s, number| s.policy.session.max_live = number,
        ),
    ]
}

fn running() -> Vec<Setting> {
    vec![
        Setting::text(
            "log.format",
            "text or json",
            "The form of the log, which goes to standard error: a line of text or of JSON an event.",
            |s| s.log.format.map(|format| format.as_str().to_owned()),
            |s, text| store(&mut s.log.format, LogFormat::parse(text).map(Some)),
        )
        .by_default("`text` on a terminal, `json` elsewhere"),
        Setting::text(
            "log.level",
            logging::LEVEL_ALLOWED,
            "What is logged. Below `info` only this service's own events are, whatever the level: those of its \
             libraries could show what clients sent.",
            |s| Some(s.log.level.to_string()),
            |s, text| store(&mut s.log.level, LogLevel::parse(text)),
        ),
        Setting::integer(
            "audit.retention_days",
            "days",
            0..=36_500,
            "How long audit events are kept in the store. 0: for ever.",
            |s| Some((s.policy.audit.retention.unwrap_or_default().as_secs() / u64::from(DAY)).to_string()),
            |s, number| s.policy.audit.retention = (number > 0).then(|| duration(DAY) * number),
        ),
        Setting::integer(
            "http.workers",
            "threads",
            1..=512,
            "The threads that serve requests.",
            |s| Some(s.http.workers.to_string()),
            |s, number| s.http.workers = number as usize,
        )
        .by_default("the number of cores"),
        Setting::integer(
            "http.keep_alive_seconds",
            "seconds",
            1..=3_600,
            "How long a connection is kept from an answer to the next whole head. It is better more than the load \
             balancer's own idle time, often 60 seconds, so that it is not this side that closes.",
            |s| Some(seconds(s.http.keep_alive)),
            |s, number| s.http.keep_alive = duration(number),
        ),
        Setting::integer(
            "database.max_connections",
            "connections",
            1..=1_000,
            "The most connections to PostgreSQL at a time, beside one that listens for sessions that end. SQLite has one \
             that writes and a few that read.",
            |s| Some(s.database.max_connections.to_string()),
            |s, number| s.database.max_connections = number,
        ),
    ]
}

fn dialect(index: usize, name: &'static str) -> [Setting; 2] {
    [
        Setting::switch(
            format!("dialects.{name}.enabled"),
            format!("Whether the dialect `{name}` is served."),
            move |s| s.dialects[index].enabled,
            move |s, on| {
                s.dialects[index].enabled = on;
                Ok(())
            },
        ),
        Setting::text(
            format!("dialects.{name}.prefix"),
            prefix::ALLOWED,
            format!("What the paths of `{name}` begin with."),
            move |s| Some(s.dialects[index].prefix.clone()),
            move |s, text| {
                store(&mut s.dialects[index].prefix, prefix::is_valid(text).then(|| text.to_owned()))
            },
        ),
    ]
}

fn store<T>(place: &mut T, value: Option<T>) -> Result<(), Refusal> {
    *place = value.ok_or(Refusal::NotAllowed)?;
    Ok(())
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains('\0')).then(|| PathBuf::from(text))
}

fn duration(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

fn seconds(duration: Duration) -> String {
    duration.as_secs().to_string()
}
