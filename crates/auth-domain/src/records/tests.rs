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

/// The bytes of a record, with escapes for those that are not printed.
fn stored<T: Record>(record: &T) -> String {
    encode(record).escape_ascii().to_string()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

/// Stored values outlive a release. If this test fails, the encoding needs another version.
#[test]
fn stored_bytes_of_version_1_never_change() {
    let username = Username::parse("Jane").expect("a username");
    let email = EmailAddress::parse("J@Example.com").expect("an address");
    let user = User {
        id: UserId(Uuid::from_bytes([b'u'; 16])),
        number: UserNumber(7),
        identifiers: Identifiers::new(Some(username), Some(email)).expect("a name"),
        display_name: DisplayName::parse("J").ok(),
        phone_number: PhoneNumber::parse("+123").ok(),
        email_verified: true,
        status: UserStatus::Suspended,
        roles: Roles::parse("admin,editor").expect("roles"),
        created_at: at(1),
        external_id: None,
        metadata: Metadata::parse("{}").ok(),
    };
    let password =
        StoredPassword { hash: Some(PasswordHash::new("hash".to_owned())), version: PasswordVersion(2) };
    let row = UserRow { user, password, import: Some(ImportDigest::from_bytes([b'i'; 32])) };
    assert_eq!(
        stored(&row),
        concat!(
            r#"\x01uuuuuuuuuuuuuuuu\x00\x00\x00\x00\x00\x00\x00\x07\x01\x00\x00\x00\x04Jane\x00\x00\x00"#,
            r#"\x04jane\x01\x00\x00\x00\rJ@Example.com\x00\x00\x00\rj@example.com\x01\x00\x00\x00\x01J"#,
            r#"\x01\x00\x00\x00\x04+123\x01\x00\x00\x00\tsuspended\x00\x00\x00\x0cadmin,editor\x00\x00"#,
            r#"\x00\x00\x00\x0fB@\x00\x01\x00\x00\x00\x02{}\x01\x00\x00\x00\x04hash\x00\x00\x00\x00\x00"#,
            r#"\x00\x00\x02\x01iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"#,
        )
    );

    let session = Session {
        id: SessionId(Uuid::from_bytes([b's'; 16])),
        user_id: UserId(Uuid::from_bytes([b'u'; 16])),
        client_id: ClientId::from_static("web"),
        created_at: at(1),
        last_refreshed_at: at(2),
        expires_at: at(3),
        end: Some(SessionEnd { at: at(4), reason: EndReason::LoggedOut }),
    };
    let consumed = ConsumedCredential {
        digest: SecretDigest::from_bytes([b'd'; 32]),
        at: at(2),
        nonce: SuccessorNonce::from_bytes([b'n'; 16]),
    };
    let chain = CredentialChain { current: SecretDigest::from_bytes([b'c'; 32]), consumed: vec![consumed] };
    let row = SessionRow { session, family: SecretDigest::from_bytes([b'f'; 32]), chain };
    assert_eq!(
        stored(&row),
        concat!(
            r#"\x01ssssssssssssssssuuuuuuuuuuuuuuuu\x00\x00\x00\x03web\x00\x00\x00\x00\x00\x0fB@\x00"#,
            r#"\x00\x00\x00\x00\x1e\x84\x80\x00\x00\x00\x00\x00-\xc6\xc0\x01\x00\x00\x00\x00\x00=\t\x00"#,
            r#"\x00\x00\x00\nlogged_outffffffffffffffffffffffffffffffffcccccccccccccccccccccccccccccccc"#,
            r#"\x00\x00\x00\x01dddddddddddddddddddddddddddddddd\x00\x00\x00\x00\x00\x1e\x84\x80nnnnnnnn"#,
            r#"nnnnnnnn"#,
        )
    );

    let key = ApiKey {
        id: ApiKeyId(Uuid::from_bytes([b'k'; 16])),
        name: ApiKeyName::parse("backend").expect("a name"),
        scopes: [Scope::UsersRead, Scope::Auth].into_iter().collect(),
        created_at: at(1),
        expires_at: Some(at(2)),
        revoked_at: None,
        last_used_at: None,
    };
    let key = NewApiKey { key, digest: SecretDigest::from_bytes([b'd'; 32]) };
    assert_eq!(
        stored(&key),
        concat!(
            r#"\x01kkkkkkkkkkkkkkkk\x00\x00\x00\x07backend\x00\x00\x00\x0fusers:read,auth\x00\x00\x00"#,
            r#"\x00\x00\x0fB@\x01\x00\x00\x00\x00\x00\x1e\x84\x80\x00\x00dddddddddddddddddddddddddddddd"#,
            r#"dd"#,
        )
    );

    let event = AuditEvent {
        at: at(1),
        merged: Some(MergedEvents { count: 2, last_at: at(2) }),
        action: AuditAction::UserLoggedIn,
        outcome: AuditOutcome::Denied(DenialReason::WrongPassword),
        user: Some(UserId(Uuid::from_bytes([b'u'; 16]))),
        session: None,
        client: Some(ClientId::from_static("web")),
        caller: AuditedCaller {
            address: Some(ClientAddress::from([192, 0, 2, 1])),
            request: Some(RequestId(9)),
            api_key: None,
        },
        detail: Some(AuditDetail::RETRY),
    };
    assert_eq!(
        stored(&AuditRecord { id: AuditId(5), event }),
        concat!(
            r#"\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x0fB@\x01\x00\x00\x00\x02\x00"#,
            r#"\x00\x00\x00\x00\x1e\x84\x80\x00\x00\x00\x0euser.logged_in\x01\x00\x00\x00\x0ewrong_pass"#,
            r#"word\x01uuuuuuuuuuuuuuuu\x00\x01\x00\x00\x00\x03web\x01\x00\x00\x00\t192.0.2.1\x01\x00"#,
            r#"\x00\x00\x00\x00\x00\x00\t\x00\x01\x00\x00\x00\x05retry"#,
        )
    );
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
