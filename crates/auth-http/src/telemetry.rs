//! The log: events on standard error, as text or as lines of JSON.

mod json_line;

use std::io::{self, IsTerminal as _};
use std::panic;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;

use crate::settings::{LogFormat, LogSettings};

use json_line::{JsonLine, JsonMembers};

/// What the targets of this service's own events begin with.
const OWN_TARGETS: &str = "auth_";
/// The target of audit events.
const AUDIT_TARGET: &str = "audit";

/// Sends this process's events to standard error, and panics too: where they happened, but not what they say, which may
/// be anything that was at hand.
///
/// # Errors
/// When that was done before.
pub fn init(settings: &LogSettings) -> Result<(), SetGlobalDefaultError> {
    tracing::subscriber::set_global_default(subscriber(settings, io::stderr))?;
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(tracing::field::display);
        tracing::error!(location, "a panic");
    }));
    Ok(())
}

/// A subscriber that writes to `writer`; by default text if standard error is a terminal, else JSON.
fn subscriber<W>(settings: &LogSettings, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let preferred = if io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    let layer = match settings.format.unwrap_or(preferred) {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.event_format(JsonLine).fmt_fields(JsonMembers).boxed(),
    };
    let filter = settings.level.targets().clone().and(filter_fn(is_fit_to_log));
    Registry::default().with(layer.with_filter(filter))
}

/// Below `info`, libraries may show what passes through them: requests, headers, rows. What a client sends that is no
/// HTTP is no fault of this service, whatever actix-web calls it; and the greeting says what its start is like.
fn is_fit_to_log(event: &Metadata<'_>) -> bool {
    let is_own = event.target().starts_with(OWN_TARGETS) || event.target() == AUDIT_TARGET;
    let is_noise = event.target().starts_with("actix_http")
        || (event.target().starts_with("actix_server") && *event.level() > LevelFilter::WARN);
    is_own || (*event.level() <= LevelFilter::INFO && !is_noise)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::settings::{Flag, Settings, Sources};

    fn logged(level: &str, format: &str, event: impl FnOnce()) -> String {
        let flag = |key: &str, value: &str| Flag { name: "--set", key: key.into(), value: value.into() };
        let flags = vec![flag("log.level", level), flag("log.format", format)];
        let settings =
            Settings::load(&Sources { flags, ..Sources::default() }, Vec::new()).expect("settings");
        let log = Arc::new(Mutex::new(Vec::new()));
        tracing::subscriber::with_default(subscriber(&settings.log, Writer(Arc::clone(&log))), event);
        String::from_utf8(log.lock().expect("the log").clone()).expect("UTF-8")
    }

    #[derive(Clone)]
    struct Writer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("the log").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Writer {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn json_is_one_object_a_line() {
        let log = logged("info", "json", || {
            let _span = tracing::info_span!(target: "auth_http", "request", id = "7").entered();
            tracing::info!(target: "auth_http", status = 200, "answered");
        });
        let event: serde_json::Value = serde_json::from_str(log.trim_end()).expect("one JSON value");
        assert_eq!(event["message"], "answered");
        assert_eq!(event["status"], 200);
        assert_eq!(event["level"], "INFO");
        assert_eq!(event["span"]["id"], "7");
    }

    #[test]
    fn whatever_is_logged_the_line_is_json_that_says_just_that() {
        let odd = "a \"quote\", a \\, \u{0}\r\n\t\u{7f}\u{e4}\u{1f600}";
        let log = logged("info", "json", || {
            let span =
                tracing::info_span!(target: "auth_http", "request", path = odd, late = tracing::field::Empty);
            let _span = span.enter();
            span.record("late", true);
            tracing::info!(target: "auth_http", shown = %odd, debugged = ?odd, below = -1, r#type = 1_u8, "{odd}");
            let _inner = tracing::info_span!(target: "auth_http", "bare").entered();
            tracing::info!(target: "auth_http", parent: &span, "outer");
            tracing::info!(target: "auth_http", "inner");
        });
        let lines: Vec<serde_json::Value> =
            log.lines().map(|line| serde_json::from_str(line).expect("one JSON value")).collect();
        let event = &lines[0];
        for text in [&event["message"], &event["shown"], &event["span"]["path"]] {
            assert_eq!(text, odd);
        }
        assert_eq!(event["debugged"], format!("{odd:?}"));
        assert_eq!((&event["below"], &event["type"]), (&(-1).into(), &1.into()));
        assert_eq!((&event["span"]["late"], &event["span"]["name"]), (&true.into(), &"request".into()));
        assert_eq!(
            (&lines[1]["span"], &lines[2]["span"]),
            (&event["span"], &serde_json::json!({"name": "bare"}))
        );
    }

    #[test]
    fn text_is_a_line_without_colours() {
        let log = logged("warn,auth_http=debug", "text", || {
            tracing::debug!(target: "auth_http", "seen");
            tracing::info!(target: "auth_infra", "unseen");
        });
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("DEBUG auth_http: seen"), "{log}");
        assert!(!log.contains('\u{1b}'), "{log}");
    }

    #[test]
    fn audit_events_are_logged_at_the_default_level_and_rubbish_when_asked_for() {
        let log = |level| {
            logged(level, "json", || {
                tracing::info!(target: "audit", action = "user.logged_in", reason = None::<&str>, "audit event");
                tracing::debug!(target: "audit", action = "session.refreshed", "audit event");
            })
        };
        let event: serde_json::Value = serde_json::from_str(log("info").trim_end()).expect("one JSON value");
        assert_eq!((&event["target"], &event["action"]), (&"audit".into(), &"user.logged_in".into()));
        assert_eq!(event.get("reason"), None, "what is not known is left out");
        assert_eq!(log("debug").lines().count(), 2);
    }

    #[test]
    fn libraries_are_not_heard_below_info() {
        let log = logged("trace,sqlx=trace", "text", || {
            tracing::trace!(target: "auth_http", "own");
            tracing::debug!(target: "sqlx::query", "rows");
            tracing::trace!(target: "h2", "headers");
            tracing::warn!(target: "sqlx::pool", "slow");
        });
        assert!(log.contains("own") && log.contains("slow"), "{log}");
        assert!(!log.contains("rows") && !log.contains("headers"), "{log}");
    }
}
