//! Audit events under construction.

use crate::UseCases;
use crate::model::{
    AccessClaims, AuditAction, AuditDetail, AuditEvent, AuditOutcome, ClientId, DenialReason, LoginRecord,
    Session, SessionId, UserId,
};

use super::Identity;

/// An audit event without time and caller. [`UseCases::audit`] adds both and records the event.
#[derive(Clone, Debug)]
pub(super) struct AuditEntry {
    action: AuditAction,
    outcome: AuditOutcome,
    user: Option<UserId>,
    session: Option<SessionId>,
    client: Option<ClientId>,
    detail: Option<AuditDetail>,
}

impl AuditEntry {
    /// An entry for an action that succeeded.
    pub(super) fn succeeded(action: AuditAction) -> Self {
        let outcome = AuditOutcome::Succeeded;
        Self { action, outcome, user: None, session: None, client: None, detail: None }
    }

    /// An entry for an action that was denied.
    pub(super) fn denied(action: AuditAction, reason: DenialReason) -> Self {
        Self { outcome: AuditOutcome::Denied(reason), ..Self::succeeded(action) }
    }

    /// An entry for an action that was denied because the password of `record` was not verified. `None` is an unknown
    /// user.
    pub(super) fn unverified(action: AuditAction, record: Option<&LoginRecord>) -> Self {
        let reason = match record {
            None => DenialReason::UnknownUser,
            Some(record) if !record.user.is_active() => DenialReason::UserSuspended,
            Some(_) => DenialReason::WrongPassword,
        };
        Self { user: record.map(|record| record.user.id), ..Self::denied(action, reason) }
    }

    /// Sets the user.
    pub(super) fn user(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Sets user, session and client from the claims of an access token.
    pub(super) fn claims(self, claims: &AccessClaims) -> Self {
        self.about(claims.user_id, claims.session_id, &claims.client_id)
    }

    /// Sets user, session and client from an authenticated identity.
    pub(super) fn identity(self, identity: &Identity) -> Self {
        self.about(identity.user_id, identity.session_id, &identity.client_id)
    }

    /// Sets user, session and client from a session.
    pub(super) fn session(self, session: &Session) -> Self {
        self.about(session.user_id, session.id, &session.client_id)
    }

    fn about(self, user: UserId, session: SessionId, client: &ClientId) -> Self {
        Self { user: Some(user), session: Some(session), client: Some(client.clone()), ..self }
    }

    /// Sets the client.
    pub(super) fn client(self, client: &ClientId) -> Self {
        Self { client: Some(client.clone()), ..self }
    }

    /// Sets the detail, unless it is empty.
    pub(super) fn detail(self, detail: impl Into<AuditDetail>) -> Self {
        Self { detail: Some(detail.into()).filter(|detail| !detail.as_str().is_empty()), ..self }
    }
}

impl UseCases {
    /// Records an entry, with the current time and the caller.
    pub(super) fn audit(&self, entry: AuditEntry) {
        let AuditEntry { action, outcome, user, session, client, detail } = entry;
        self.core.ports.audit.record(AuditEvent {
            at: self.core.ports.clock.now(),
            merged: None,
            action,
            outcome,
            user,
            session,
            client,
            caller: self.actor.audited(),
            detail,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AuditedCaller, Caller, RequestId, Roles};
    use crate::use_cases::fixture::{Mocks, NOW, session};

    #[test]
    fn an_entry_becomes_an_event_with_time_and_caller() {
        let end_user = [198, 51, 100, 7];
        let backend = Caller::at([192, 0, 2, 1]).with_request(RequestId(7)).with_end_user(end_user);
        let caller =
            AuditedCaller { address: Some(end_user.into()), request: Some(RequestId(7)), api_key: None };
        let mocks = Mocks::new();
        let recorder = mocks.recorder();
        let entry =
            AuditEntry::succeeded(AuditAction::UserLoggedIn).session(&session()).detail(AuditDetail::RETRY);
        mocks.called_by(backend).audit(entry);
        let expected = AuditEvent {
            at: NOW,
            merged: None,
            action: AuditAction::UserLoggedIn,
            outcome: AuditOutcome::Succeeded,
            user: Some(session().user_id),
            session: Some(session().id),
            client: Some(session().client_id),
            caller,
            detail: Some(AuditDetail::RETRY),
        };
        assert_eq!(recorder.events(), [expected]);
    }

    #[test]
    fn an_empty_detail_is_omitted() {
        assert_eq!(AuditEntry::succeeded(AuditAction::UserRolesSet).detail(&Roles::default()).detail, None);
    }
}
