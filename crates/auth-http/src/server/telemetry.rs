//! The log: events on standard error, as text or as JSON lines.

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

use crate::settings::{LogFormat, Settings};

use json_line::{JsonLine, JsonMembers};

/// The prefix of the targets of this service's own events.
const OWN_TARGETS: &str = "auth_";
/// The target of audit events.
const AUDIT_TARGET: &str = "audit";

/// Logs the events of this process to standard error. A panic is logged with its location only, because its message may
/// contain any value, a secret too.
///
/// # Errors
/// When the log was initialised before.
pub(crate) fn init(settings: &Settings) -> Result<(), SetGlobalDefaultError> {
    tracing::subscriber::set_global_default(subscriber(settings, io::stderr))?;
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(tracing::field::display);
        tracing::error!(location, "a panic");
    }));
    Ok(())
}

/// A subscriber that writes to `writer`. The default format is text on a terminal and JSON elsewhere.
fn subscriber<W>(settings: &Settings, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let default_format = if io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    let layer = match settings.log_format.unwrap_or(default_format) {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.event_format(JsonLine).fmt_fields(JsonMembers).boxed(),
    };
    let filter = settings.log_level.targets.clone().and(filter_fn(is_safe_to_log));
    Registry::default().with(layer.with_filter(filter))
}

/// Whether an event may be logged, whatever the level of the settings.
///
/// Below `info`, libraries may log the data that they process: requests, headers, rows. actix reports malformed HTTP of
/// clients as errors, which are not errors of this service. It also reports its start, which the startup lines describe.
fn is_safe_to_log(event: &Metadata<'_>) -> bool {
    let is_own = event.target().starts_with(OWN_TARGETS) || event.target() == AUDIT_TARGET;
    let is_noise = event.target().starts_with("actix_http")
        || (event.target().starts_with("actix_server") && *event.level() > LevelFilter::WARN);
    is_own || (*event.level() <= LevelFilter::INFO && !is_noise)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::settings::{Flag, Sources};

    fn logged(level: &str, format: &str, event: impl FnOnce()) -> String {
        let flags = [("log.level", level), ("log.format", format)].map(|(key, value)| Flag {
            name: "--set",
            key: key.into(),
            value: value.into(),
        });
        let sources = Sources { flags: flags.into(), ..Sources::default() };
        let settings = Settings::load(&sources, Vec::new()).expect("settings");
        let log = Arc::new(Mutex::new(Vec::new()));
        tracing::subscriber::with_default(subscriber(&settings, Writer(Arc::clone(&log))), event);
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
    fn json_events_are_one_object_per_line() {
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
    fn json_lines_contain_any_text_unchanged() {
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
    fn text_events_are_one_line_without_colours() {
        let log = logged("warn,auth_http=debug", "text", || {
            tracing::debug!(target: "auth_http", "seen");
            tracing::info!(target: "auth_infra", "unseen");
        });
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("DEBUG auth_http: seen"), "{log}");
        assert!(!log.contains('\u{1b}'), "{log}");
    }

    #[test]
    fn audit_events_are_logged_at_their_own_levels() {
        fn log_events() {
            tracing::info!(target: "audit", action = "user.logged_in", reason = None::<&str>, "audit event");
            tracing::debug!(target: "audit", action = "session.refreshed", "audit event");
        }
        let log = logged("info", "json", log_events);
        let event: serde_json::Value = serde_json::from_str(log.trim_end()).expect("one JSON value");
        assert_eq!((&event["target"], &event["action"]), (&"audit".into(), &"user.logged_in".into()));
        assert_eq!(event.get("reason"), None, "empty fields are omitted");
        assert_eq!(logged("debug", "json", log_events).lines().count(), 2);
    }

    #[test]
    fn events_of_libraries_below_info_are_not_logged() {
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
