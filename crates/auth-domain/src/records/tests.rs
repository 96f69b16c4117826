//! The encodings of all records, and a store without writes.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use super::encoding::{decode, encode};
use super::rows::{Record, SessionRow, UserRow};
use crate::model::{
    ApiKey, ApiKeyId, ApiKeyName, AuditAction, AuditDetail, AuditEvent, AuditId, AuditOutcome, AuditRecord,
    AuditedCaller, ClientAddress, ClientId, ConsumedCredential, CredentialChain, DenialReason, DisplayName,
    EmailAddress, EndReason, ExternalId, Identifiers, ImportDigest, MergedEvents, Metadata, NewApiKey,
    PasswordHash, PasswordVersion, PhoneNumber, RequestId, Role, Roles, Scope, SecretDigest, Session,
    SessionEnd, SessionId, StoredPassword, SuccessorNonce, Timestamp, User, UserId, UserNumber, UserStatus,
    Username,
};
use crate::ports::PortError;

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just(0), Just(Timestamp::MAX.unix_micros()), 0..=Timestamp::MAX.unix_micros()]
        .prop_map(Timestamp::from_unix_micros)
}

fn digest() -> impl Strategy<Value = SecretDigest> {
    any::<[u8; 32]>().prop_map(SecretDigest::from_bytes)
}

/// A visible text of every script, which the parsers of names accept.
fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9\u{e4}\u{df}\u{0130}\u{3042}\u{1f600}]{1,60}"
}

fn identifiers() -> impl Strategy<Value = Identifiers> {
    let username = text().prop_map(|typed| Username::parse(&typed).expect("a username"));
    let email = "[a-zA-Z0-9]{1,20}@[a-z\u{fc}]{1,10}\\.[a-z]{2,4}"
        .prop_filter_map("an address", |typed| EmailAddress::parse(&typed).ok());
    (of(username), of(email)).prop_filter_map("a name", |(username, email)| Identifiers::new(username, email))
}

fn roles() -> impl Strategy<Value = Roles> {
    let role = "[a-z][a-z0-9_.-]{0,63}".prop_map(|name| Role::parse(&name).expect("a role"));
    vec(role, 0..20).prop_map(|roles| Roles::new(roles).expect("at most 20 roles"))
}

prop_compose! {
    fn user()(
        id in uuid(),
        number in 1..i64::MAX,
        identifiers in identifiers(),
        display_name in of(text().prop_map(|name| DisplayName::parse(&name).expect("a name"))),
        phone_number in of("\\+[1-9][0-9]{1,14}".prop_map(|typed| PhoneNumber::parse(&typed).expect("a number"))),
        email_verified in any::<bool>(),
        status in select(vec![UserStatus::Active, UserStatus::Suspended]),
        roles in roles(),
        created_at in time(),
        external_id in of(text().prop_map(|id| ExternalId::parse(&id).expect("an id"))),
        metadata in of(any::<String>().prop_filter_map("metadata", |text| Metadata::parse(&text).ok())),
    ) -> User {
        User {
            id: UserId(id), number: UserNumber(number), identifiers, display_name, phone_number, email_verified,
            status, roles, created_at, external_id, metadata,
        }
    }
}

prop_compose! {
    fn user_row()(
        user in user(),
        hash in of(any::<String>().prop_map(PasswordHash::new)),
        version in any::<i64>().prop_map(PasswordVersion),
        import in of(any::<[u8; 32]>().prop_map(ImportDigest::from_bytes)),
    ) -> UserRow {
        UserRow { user, password: StoredPassword { hash, version }, import }
    }
}

fn end() -> impl Strategy<Value = SessionEnd> {
    let reasons = [
        EndReason::LoggedOut,
        EndReason::PasswordChanged,
        EndReason::Suspended,
        EndReason::RolesChanged,
        EndReason::Replayed,
        EndReason::Superseded,
    ];
    (time(), select(reasons.to_vec())).prop_map(|(at, reason)| SessionEnd { at, reason })
}

prop_compose! {
    fn consumed()(digest in digest(), at in time(), nonce in any::<[u8; 16]>()) -> ConsumedCredential {
        ConsumedCredential { digest, at, nonce: SuccessorNonce::from_bytes(nonce) }
    }
}

prop_compose! {
    fn session_row()(
        (id, user) in (uuid(), uuid()),
        client in any::<String>(),
        times in [time(), time(), time()],
        end in of(end()),
        family in digest(),
        current in digest(),
        consumed in vec(consumed(), 0..4),
    ) -> SessionRow {
        let [created_at, last_refreshed_at, expires_at] = times;
        SessionRow {
            session: Session {
                id: SessionId(id), user_id: UserId(user), client_id: ClientId::from(client), created_at,
                last_refreshed_at, expires_at, end,
            },
            family,
            chain: CredentialChain { current, consumed },
        }
    }
}

prop_compose! {
    fn api_key()(
        id in uuid(),
        name in text().prop_map(|name| ApiKeyName::parse(&name).expect("a name")),
        scopes in subsequence(Scope::ALL.to_vec(), 0..=Scope::ALL.len()),
        created_at in time(),
        times in [of(time()), of(time()), of(time())],
        digest in digest(),
    ) -> NewApiKey {
        let [expires_at, revoked_at, last_used_at] = times;
        let scopes = scopes.into_iter().collect();
        let key = ApiKey { id: ApiKeyId(id), name, scopes, created_at, expires_at, revoked_at, last_used_at };
        NewApiKey { key, digest }
    }
}

fn outcome() -> impl Strategy<Value = AuditOutcome> {
    of(select(DenialReason::ALL))
        .prop_map(|reason| reason.map_or(AuditOutcome::Succeeded, AuditOutcome::Denied))
}

prop_compose! {
    fn caller()(
        address in of(any::<std::net::IpAddr>().prop_map(ClientAddress::from)),
        request in of(any::<u64>().prop_map(RequestId)),
        api_key in of(uuid().prop_map(ApiKeyId)),
    ) -> AuditedCaller {
        AuditedCaller { address, request, api_key }
    }
}

prop_compose! {
    fn audit_record()(
        id in any::<i64>(),
        at in time(),
        merged in of((2..u32::MAX, time()).prop_map(|(count, last_at)| MergedEvents { count, last_at })),
        action in select(AuditAction::ALL),
        outcome in outcome(),
        ids in [of(uuid()), of(uuid())],
        client in of(any::<String>().prop_map(ClientId::from)),
        caller in caller(),
        detail in of(any::<String>().prop_map(AuditDetail::from_stored)),
    ) -> AuditRecord {
        let [user, session] = ids;
        let (user, session) = (user.map(UserId), session.map(SessionId));
        let event = AuditEvent { at, merged, action, outcome, user, session, client, caller, detail };
        AuditRecord { id: AuditId(id), event }
    }
}

/// Asserts that a record is read as it was written, and that no part of it is a record.
fn assert_round_trip<T: Record + PartialEq + std::fmt::Debug>(record: &T) -> Result<(), TestCaseError> {
    let bytes = encode(record);
    prop_assert_eq!(&decode::<T>(&bytes, T::KIND).expect("a record"), record);
    for length in 0..bytes.len() {
        let part = decode::<T>(&bytes[..length], T::KIND);
        prop_assert!(matches!(part, Err(PortError::Corrupt(_))), "{} of {} bytes", length, bytes.len());
    }
    let longer = decode::<T>(&[bytes.as_slice(), &[0]].concat(), T::KIND);
    prop_assert!(matches!(longer, Err(PortError::Corrupt(_))), "a longer value");
    for (table, (key, _)) in record.entries() {
        prop_assert!((1..=64).contains(&key.len()), "{table:?}: {} bytes", key.len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn users_round_trip(row in user_row()) {
        assert_round_trip(&row)?;
    }

    #[test]
    fn sessions_round_trip(row in session_row()) {
        assert_round_trip(&row)?;
    }

    #[test]
    fn api_keys_round_trip(key in api_key()) {
        assert_round_trip(&key)?;
    }

    #[test]
    fn audit_records_round_trip(record in audit_record()) {
        assert_round_trip(&record)?;
    }

    #[test]
    fn damaged_records_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let bytes = [&[1], bytes.as_slice()].concat();
        let _ = decode::<UserRow>(&bytes, "user");
        let _ = decode::<SessionRow>(&bytes, "session");
        let _ = decode::<NewApiKey>(&bytes, "API key");
        let _ = decode::<AuditRecord>(&bytes, "audit event");
    }
}
