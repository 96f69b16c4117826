//! From what is stored to what the domain speaks of: the same for every store, whatever its columns are like.

use std::ops::Deref;

use auth_domain::model::{
    ApiKey, ApiKeyId, ApiKeyName, AuditAction, AuditDetail, AuditEvent, AuditOutcome, Caller, ClientId,
    DenialReason, DisplayName, EmailAddress, EndReason, Identifiers, NewSession, PasswordVersion,
    PhoneNumber, RequestId, Roles, Scopes, Session, SessionEnd, SessionId, SuccessorNonce, Timestamp, User,
    UserId, UserNumber, UserStatus, Username,
};
use sqlx::types::Uuid;

use super::CorruptValue;

/// A user as their columns hold them.
pub(crate) struct StoredUser {
    pub(crate) id: Uuid,
    pub(crate) number: i64,
    pub(crate) username: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) display_name: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) status: String,
    pub(crate) roles: String,
    pub(crate) created_at: Timestamp,
}

impl StoredUser {
    pub(crate) fn read(self) -> Result<User, CorruptValue> {
        let username = read(self.username, "username", |typed| Username::parse(typed).ok())?;
        let email = read(self.email, "e-mail address", |typed| EmailAddress::parse(typed).ok())?;
        Ok(User {
            id: UserId(self.id),
            number: UserNumber(self.number),
            identifiers: Identifiers::new(username, email).ok_or(CorruptValue("identifiers"))?,
            display_name: read(self.display_name, "display name", |name| DisplayName::parse(name).ok())?,
            phone_number: read(self.phone_number, "phone number", |number| PhoneNumber::parse(number).ok())?,
            email_verified: self.email_verified,
            status: UserStatus::parse(&self.status).ok_or(CorruptValue("status"))?,
            roles: Roles::parse(&self.roles).map_err(|_| CorruptValue("roles"))?,
            created_at: self.created_at,
        })
    }
}

/// A session as its columns hold it.
pub(crate) struct StoredSession {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) client_id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_refreshed_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) end_reason: Option<String>,
}

impl StoredSession {
    pub(crate) fn read(self) -> Result<Session, CorruptValue> {
        let reason = read(self.end_reason, "reason of an end", EndReason::parse)?;
        Ok(Session {
            id: SessionId(self.id),
            user_id: UserId(self.user_id),
            client_id: ClientId::from(self.client_id),
            created_at: self.created_at,
            last_refreshed_at: self.last_refreshed_at,
            expires_at: self.expires_at,
            end: self.ended_at.zip(reason).map(|(at, reason)| SessionEnd { at, reason }),
        })
    }
}

/// An API key as its columns hold it.
pub(crate) struct StoredApiKey {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) scopes: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
}

impl StoredApiKey {
    pub(crate) fn read(self) -> Result<ApiKey, CorruptValue> {
        Ok(ApiKey {
            id: ApiKeyId(self.id),
            name: ApiKeyName::parse(&self.name).map_err(|_| CorruptValue("name of an API key"))?,
            scopes: Scopes::parse(&self.scopes).map_err(|_| CorruptValue("scopes"))?,
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            last_used_at: self.last_used_at,
        })
    }
}

/// An audit event as its columns hold it.
pub(crate) struct StoredAuditEvent {
    pub(crate) at: Timestamp,
    pub(crate) action: String,
    pub(crate) denial: Option<String>,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) session_id: Option<Uuid>,
    pub(crate) client_id: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) api_key_id: Option<Uuid>,
    pub(crate) detail: Option<String>,
}

impl StoredAuditEvent {
    pub(crate) fn read(self) -> Result<AuditEvent, CorruptValue> {
        let denial = read(self.denial, "reason of a denial", DenialReason::parse)?;
        Ok(AuditEvent {
            at: self.at,
            action: AuditAction::parse(&self.action).ok_or(CorruptValue("action of an event"))?,
            outcome: denial.map_or(AuditOutcome::Succeeded, AuditOutcome::Denied),
            user: self.user_id.map(UserId),
            session: self.session_id.map(SessionId),
            client: self.client_id.map(ClientId::from),
            caller: Caller {
                address: read(self.address, "address of an event", |address| address.parse().ok())?,
                request: read(self.request_id, "request of an event", RequestId::parse)?,
                api_key: self.api_key_id.map(ApiKeyId),
            },
            detail: self.detail.map(AuditDetail::from_stored),
        })
    }
}

/// Whether a session may begin for the user of this status, password version and roles, as they are stored.
pub(crate) fn may_begin(new: &NewSession, user: (String, i64, String)) -> Result<bool, CorruptValue> {
    let (status, version, roles) = user;
    let status = UserStatus::parse(&status).ok_or(CorruptValue("status"))?;
    let roles = Roles::parse(&roles).map_err(|_| CorruptValue("roles"))?;
    Ok(new.may_begin(status, PasswordVersion(version), &roles))
}

/// A successor's nonce, if one is stored.
pub(crate) fn nonce(stored: Option<Vec<u8>>) -> Result<Option<SuccessorNonce>, CorruptValue> {
    read(stored, "nonce of a successor", |bytes| bytes.try_into().ok().map(SuccessorNonce::from_bytes))
}

fn read<S: Deref, T>(
    stored: Option<S>,
    what: &'static str,
    parse: impl FnOnce(&S::Target) -> Option<T>,
) -> Result<Option<T>, CorruptValue> {
    stored.map(|stored| parse(&stored).ok_or(CorruptValue(what))).transpose()
}
