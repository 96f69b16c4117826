//! The types of the domain, and the rules that depend on nothing else.
//!
//! A value of a type is valid: parsers reject everything else.

mod api_key;
mod attempts;
mod audit;
mod blocklist;
mod caller;
mod claims;
mod client_address;
mod display_name;
mod external_id;
mod extra_claims;
mod id;
mod identifiers;
mod import;
mod metadata;
mod password;
mod refresh;
mod refresh_token;
mod refusal_code;
mod role;
mod secret;
mod session;
mod session_end;
mod timestamp;
mod user;

pub use api_key::{
    ApiKey, ApiKeyId, ApiKeyName, Authority, InvalidApiKeyName, InvalidScope, NewApiKey, Scope, Scopes,
};
pub use attempts::{
    AccountPolicy, AccountRecord, AttemptPolicy, Bucket, Counter, CounterKey, FailureStreak, Guess,
    GuessOutcome, GuessRecords, GuessVerdict, KnownCaller, Limit, Rate, Reservation, Throttled,
};
pub use audit::{
    AUDIT_DETAIL_MAX_BYTES, AuditAction, AuditAggregator, AuditDetail, AuditEvent, AuditFilter, AuditId,
    AuditOutcome, AuditPolicy, AuditRecord, DenialReason, MergedEvents,
};
pub use blocklist::Blocklist;
pub use caller::{AuditedCaller, Caller, RequestId};
pub use claims::{AccessClaims, IssuedToken, RefreshClaims, TokenId, TokenPolicy};
pub use client_address::ClientAddress;
pub use display_name::{DISPLAY_NAME_MAX_CODE_POINTS, DisplayName, InvalidDisplayName};
pub use external_id::{ExternalId, InvalidExternalId};
pub use extra_claims::{
    CLAIM_NAME_MAX_LENGTH, ClaimName, ClaimValue, EXTRA_CLAIMS_MAX, EXTRA_CLAIMS_MAX_BYTES, ExtraClaims,
    InvalidClaimName, InvalidExtraClaims,
};
pub(crate) use id::uuid_v7;
pub use identifiers::{
    EMAIL_MAX_BYTES, EmailAddress, IdentifierKey, IdentifierKind, Identifiers, InvalidIdentifier,
    USERNAME_MAX_CODE_POINTS, Username,
};
pub use import::{ImportDigest, ImportOutcome, ImportRehearsal, ImportState, ImportedUser, judge_import};
pub use metadata::{InvalidMetadata, METADATA_MAX_BYTES, Metadata, MetadataChange};
pub use password::{
    InvalidPassword, PASSWORD_MAX_CODE_POINTS, Password, PasswordAttempt, PasswordHash, PasswordPolicy,
    PasswordVersion, StoredPassword,
};
pub use refresh::{
    ConsumedCredential, CredentialChain, JudgedRefresh, Outage, RefreshAttempt, RefreshDenial, RefreshRecord,
    RefreshVerdict,
};
pub use refresh_token::{RefreshToken, SuccessorNonce};
pub use refusal_code::{InvalidRefusalCode, REFUSAL_CODE_MAX_LENGTH, RefusalCode};
pub use role::{
    InvalidRole, InvalidRoles, ROLE_MAX_LENGTH, ROLES_MAX, RegistrationPolicy, Role, RoleChoice,
    RoleNotOffered, Roles,
};
pub use secret::{ApiKeyPurpose, ApiKeySecret, Purpose, RefreshPurpose, RefreshSecret, Secret, SecretDigest};
pub use session::{Client, ClientId, NewSession, RefreshStyle, Session, SessionId, SessionPolicy};
pub use session_end::{EndReason, SessionEnd};
pub use timestamp::Timestamp;
pub use user::{
    InvalidPhoneNumber, LoginRecord, NewUser, PhoneNumber, User, UserChanges, UserId, UserNumber, UserRef,
    UserStatus,
};
