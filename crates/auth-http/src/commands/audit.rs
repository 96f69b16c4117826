//! Prints the audit trail.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use auth_domain::UseCases;
use auth_domain::model::{
    AuditAction, AuditDetail, AuditEvent, AuditFilter, AuditId, AuditRecord, ClientId, DenialReason,
    Timestamp, UserId, UserRef,
};
use auth_domain::ports::{Clock as _, PortError};
use auth_domain::use_cases::MAX_PAGE;
use auth_infra::system::SystemClock;
use clap::Args;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::output::{line, print};
use super::service::with_service;
use super::users;
use crate::settings::Settings;

/// The number of events without `--limit` and `--since`.
const DEFAULT_LIMIT: u32 = 50;
/// The interval between two queries with `--follow`.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(super) struct Audit {
    /// Print new events as they occur, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// Only events of this user: an id (also of a deleted user), a username or an e-mail address
    #[arg(long, value_name = "USER", value_parser = users::user_ref)]
    user: Option<UserRef>,
    /// Only this action, such as `user.logged_in`
    #[arg(long, value_parser = action)]
    action: Option<AuditAction>,
    /// Only events since a time such as 2025-08-13T10:15:30Z, or within a period such as 90s, 15m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Only the last N events, at most 1000 [default: 50, or all with --since]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
    limit: Option<u32>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

fn action(name: &str) -> Result<AuditAction, String> {
    AuditAction::parse(name).ok_or_else(|| {
        let names: Vec<_> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn since(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text)
        .or_else(|| period(text).map(|period| SystemClock.now().minus(period)))
        .ok_or("must be a time such as 2025-08-13T10:15:30Z, or a period such as 90s, 15m, 12h or 7d")
}

/// A number and a unit: seconds, minutes, hours or days.
fn period(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

pub(super) async fn run(command: Audit, settings: &Settings) -> anyhow::Result<()> {
    let follows = command.follow;
    with_service(settings, false, async |auth| {
        tokio::select! {
            outcome = show(auth, command) => outcome,
            Ok(()) = tokio::signal::ctrl_c(), if follows => Ok(()),
        }
    })
    .await
}

async fn show(auth: &UseCases, command: Audit) -> anyhow::Result<()> {
    let Audit { follow, user, action, since, limit, json } = command;
    let user = match user {
        Some(user) => Some(id_of(auth, user).await?),
        None => None,
    };
    let filter = AuditFilter { user, action, since };
    if !json {
        print(&line(&HEADINGS, WIDTHS))?;
    }
    let every_event = AuditFilter::default();
    let newest = auth.latest_audit_events(&every_event, 1).await?.pop().map(|record| record.id);
    let shown = if since.is_some() && limit.is_none() {
        list_after(auth, None, &filter, &filter, json).await?
    } else {
        let latest = auth.latest_audit_events(&filter, limit.unwrap_or(DEFAULT_LIMIT)).await?;
        print_all(auth, &latest, json).await?;
        latest.last().map(|record| record.id)
    };
    if !follow {
        return Ok(());
    }
    let mut last = newest.max(shown);
    loop {
        sleep(POLL_INTERVAL).await;
        // The query has no filter, so that the next one does not read the other events again.
        last = list_after(auth, last, &every_event, &filter, json).await?;
    }
}

/// The id of a user. It need not exist: a deleted user has no name any more, but still has events.
async fn id_of(auth: &UseCases, user: UserRef) -> anyhow::Result<UserId> {
    match user {
        UserRef::Id(id) => Ok(id),
        named => Ok(auth.find_user(&named).await?.context(users::UNKNOWN_USER)?.id),
    }
}

/// Reads the events after `last` that match `query`, prints those that match `filter`, and returns the id of the last
/// one that was read.
async fn list_after(
    auth: &UseCases,
    mut last: Option<AuditId>,
    query: &AuditFilter,
    filter: &AuditFilter,
    json: bool,
) -> anyhow::Result<Option<AuditId>> {
    loop {
        let mut page = auth.list_audit_events(query, last, MAX_PAGE).await?;
        let Some(record) = page.last() else { return Ok(last) };
        last = Some(record.id);
        page.retain(|record| filter.matches(&record.event));
        print_all(auth, &page, json).await?;
    }
}

async fn print_all(auth: &UseCases, records: &[AuditRecord], json: bool) -> anyhow::Result<()> {
    let mut text = String::new();
    if json {
        for record in records {
            let _ = writeln!(text, "{}", as_json(record));
        }
    } else {
        let names = names(auth, records).await?;
        for AuditRecord { event, .. } in records {
            text.push_str(&line(&cells(event, &names), WIDTHS));
        }
    }
    print(&text)
}

/// The names of the users of these events, without deleted users.
async fn names(auth: &UseCases, records: &[AuditRecord]) -> Result<HashMap<UserId, String>, PortError> {
    let mut names = HashMap::new();
    for user in records.iter().filter_map(|record| record.event.user) {
        if !names.contains_key(&user)
            && let Some(found) = auth.find_user(&UserRef::Id(user)).await?
        {
            names.insert(user, format!("{} #{} ", users::name(&found), found.number));
        }
    }
    Ok(names)
}

const HEADINGS: [&str; 8] = ["TIME", "ACTION", "OUTCOME", "COUNT", "ADDRESS", "REQUEST", "USER", "DETAIL"];
/// The widths of the columns. They are fixed, because with `--follow` the first line is printed before the others are
/// known.
const WIDTHS: [usize; 8] = [20, 21, 24, 5, 15, 16, 36, 0];

fn cells(event: &AuditEvent, names: &HashMap<UserId, String>) -> [String; 8] {
    let outcome = match event.outcome.denial() {
        Some(reason) => format!("denied: {reason}"),
        None => event.outcome.as_str().to_owned(),
    };
    [
        event.at.to_string(),
        event.action.to_string(),
        outcome,
        event.count().to_string(),
        or_dash(event.caller.address),
        or_dash(event.caller.request),
        or_dash(event.user.map(|user| format!("{}{user}", names.get(&user).map_or("", String::as_str)))),
        event.detail.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn as_json(record: &AuditRecord) -> Value {
    let AuditRecord { id, event } = record;
    json!({
        "id": id.0,
        "at": event.at.to_string(),
        "count": event.count(),
        "last_at": event.merged.map(|merged| merged.last_at.to_string()),
        "action": event.action.as_str(),
        "outcome": event.outcome.as_str(),
        "reason": event.outcome.denial().map(DenialReason::as_str),
        "user": event.user.map(|user| user.to_string()),
        "session": event.session.map(|session| session.to_string()),
        "client": event.client.as_ref().map(ClientId::as_str),
        "address": event.caller.address.map(|address| address.to_string()),
        "request": event.caller.request.map(|request| request.to_string()),
        "api_key": event.caller.api_key.map(|key| key.to_string()),
        "detail": event.detail.as_ref().map(AuditDetail::as_str),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_accepts_times_and_periods_only() {
        assert_eq!(since("2025-08-13T10:15:30Z").ok(), Timestamp::parse("2025-08-13T10:15:30Z"));
        for (text, seconds) in [("90s", 90), ("15m", 900), ("12h", 43_200), ("7d", 604_800)] {
            let expected = SystemClock.now().minus(Duration::from_secs(seconds));
            let read = since(text).expect("a period");
            assert!(expected.since(read) < Duration::from_secs(5), "{text}");
        }
        for text in ["", "s", "7", "7w", "-1h", "1\u{e4}", "99999999999999999999d", "9999999999999999999d"] {
            assert!(since(text).is_err(), "{text}");
        }
    }
}
