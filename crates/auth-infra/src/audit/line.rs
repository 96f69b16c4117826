//! An event as a log line.

use auth_domain::model::{AuditDetail, AuditEvent, ClientId, DenialReason};

const TARGET: &str = "audit";

/// Logs an event. Events that are not stored are logged at debug level only.
pub(super) fn log(event: &AuditEvent) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                target: TARGET,
                action = event.action.as_str(),
                outcome = event.outcome.as_str(),
                reason = event.outcome.denial().map(DenialReason::as_str),
                user = event.user.map(tracing::field::display),
                session = event.session.map(tracing::field::display),
                client = event.client.as_ref().map(ClientId::as_str),
                address = event.caller.address.map(tracing::field::display),
                request = event.caller.request.map(tracing::field::display),
                api_key = event.caller.api_key.map(tracing::field::display),
                detail = event.detail.as_ref().map(AuditDetail::as_str),
                "audit event"
            )
        };
    }
    if event.is_kept() { line!(info) } else { line!(debug) }
}
