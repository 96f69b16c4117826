//! Faults in registration.

use std::sync::Mutex;

use auth_domain::model::{
    DisplayName, EmailAddress, IdentifierKey, IdentifierKind, Identifiers, Metadata, NewUser, PasswordHash,
    Roles, Timestamp, User, UserId, UserNumber, UserRef, Username,
};
use auth_domain::ports::{PortError, RegisterOutcome, UserRepository};
use tokio::task::yield_now;
use uuid::Uuid;

use super::{CallLog, Fault, FaultyStore, unavailable};

/// The first 255 bytes of a hash.
pub(super) fn cut(hash: &PasswordHash) -> PasswordHash {
    PasswordHash::new(hash.expose().chars().take(255).collect())
}

impl FaultyStore {
    pub(super) async fn register_with_fault(&self, user: &NewUser) -> Result<RegisterOutcome, PortError> {
        let user = &self.altered_user(user);
        let keys = keys_of(&user.identifiers);
        let _names = match self.fault {
            Fault::DeadlocksOnNames => Some(self.lock_names(keys.clone()).await?),
            _ => None,
        };
        if self.is(Fault::RejectsEqualUsernameAndEmail) && keys.len() < names_in(&user.identifiers) {
            return Ok(RegisterOutcome::Taken(IdentifierKind::Username));
        }
        if self.is(Fault::FindsByPatterns) {
            for key in &keys {
                if self.find_like(key).await?.is_some() {
                    return Ok(RegisterOutcome::Taken(IdentifierKind::Username));
                }
            }
        }
        if self.is(Fault::ChecksNamesBeforeItWrites) && self.are_free(&keys, user.id).await? {
            yield_now().await;
            return self.register_despite_conflict(user).await;
        }
        let outcome = match self.inner.register(user).await {
            Err(_) if self.is(Fault::OverwritesUsersWithTheSameId) => {
                self.inner.delete(user.id).await?;
                self.inner.register(user).await?
            }
            outcome => outcome?,
        };
        match outcome {
            RegisterOutcome::Registered(user) => {
                Ok(RegisterOutcome::Registered(self.registered(user).await?))
            }
            RegisterOutcome::Taken(kind) => self.reject_with_fault(user, kind).await,
        }
    }

    /// A new user as this store writes it.
    fn altered_user(&self, user: &NewUser) -> NewUser {
        let mut user = user.clone();
        let (username, email) = (user.identifiers.username().cloned(), user.identifiers.email().cloned());
        match self.fault {
            Fault::DropsDisplayNames => user.display_name = None,
            Fault::DropsJoinersInDisplayNames => {
                user.display_name = user.display_name.as_ref().and_then(without_joiners);
            }
            Fault::StoresAnEmptyHash if user.password_hash.is_none() => {
                user.password_hash = Some(PasswordHash::new(String::new()));
            }
            Fault::DropsPhoneNumbers => user.phone_number = None,
            Fault::DropsMetadata | Fault::TrimsMetadata | Fault::TruncatesMetadata => {
                user.metadata = self.altered_metadata(user.metadata.as_ref());
            }
            Fault::DropsRoles => user.roles = Roles::default(),
            Fault::DropsEmails => {
                user.identifiers = Identifiers::new(username, None).unwrap_or(user.identifiers);
            }
            Fault::TruncatesNames => {
                user.identifiers = identifiers(username.as_ref().map(truncated), email);
            }
            Fault::TruncatesHashes => {
                user.password_hash = user.password_hash.as_ref().map(cut);
            }
            Fault::TruncatesTimesToMilliseconds => user.created_at = to_milliseconds(user.created_at),
            Fault::CapsTimesAtYear2100 => {
                user.created_at = user.created_at.min(Timestamp::from_unix_seconds(4_102_444_800));
            }
            Fault::StoresCaseFoldedNames => {
                let email = email.map(|email| parse_email(email.key().as_str()));
                user.identifiers =
                    identifiers(username.map(|name| parse_username(name.key().as_str())), email);
            }
            Fault::ParsesNamesAsNumbers => {
                user.identifiers = identifiers(username.map(parsed_as_number), email);
            }
            Fault::RewritesTheNilUserId if user.id.0.is_nil() => user.id = UserId(Uuid::from_u128(99)),
            _ => {}
        }
        user
    }

    /// Metadata as this store writes it.
    pub(super) fn altered_metadata(&self, metadata: Option<&Metadata>) -> Option<Metadata> {
        let text = metadata?.as_str();
        let written = match self.fault {
            Fault::DropsMetadata => return None,
            Fault::TrimsMetadata => text.trim(),
            Fault::TruncatesMetadata => &text[..text.len().min(1_000)],
            _ => text,
        };
        Metadata::parse(written).ok()
    }

    /// A registered user as this store returns it.
    async fn registered(&self, mut user: User) -> Result<User, PortError> {
        match self.fault {
            Fault::NumbersFromZero => user.number = UserNumber(user.number.0 - 1),
            Fault::GivesAllUsersOneNumber => user.number = UserNumber(1),
            Fault::ReusesNumbers => {
                let count = self.inner.list(None, u32::MAX).await?.len();
                user.number = UserNumber(i64::try_from(count).expect("a small number"));
            }
            _ => {}
        }
        self.log().users.insert(user.id, user.clone());
        Ok(user)
    }

    async fn reject_with_fault(
        &self,
        user: &NewUser,
        kind: IdentifierKind,
    ) -> Result<RegisterOutcome, PortError> {
        let (username, email) = (user.identifiers.username(), user.identifiers.email());
        match self.fault {
            Fault::ComparesNamesBySpelling => {
                let users = self.inner.list(None, u32::MAX).await?;
                let alike = users.iter().any(|known| {
                    known.username() == username.map(Username::as_str) && username.is_some()
                        || known.email() == email.map(EmailAddress::as_str) && email.is_some()
                });
                if !alike {
                    return self.register_despite_conflict(user).await;
                }
            }
            Fault::SeparatesUsernamesFromEmails => {
                let users = self.inner.list(None, u32::MAX).await?;
                let (username, email) = (username.map(Username::key), email.map(EmailAddress::key));
                let alike = users.iter().map(|known| &known.identifiers).any(|known| {
                    username.is_some() && known.username().map(Username::key) == username
                        || email.is_some() && known.email().map(EmailAddress::key) == email
                });
                if !alike {
                    return self.register_despite_conflict(user).await;
                }
            }
            Fault::FreesNamesStillHeld => {
                let keys = user.identifiers.keys();
                if keys.iter().all(|(_, key)| self.log().freed_names.contains(key)) {
                    return self.register_despite_conflict(user).await;
                }
            }
            Fault::ReportsTheEmailFirst => {
                return Ok(RegisterOutcome::Taken(self.conflicting_kind(&user.identifiers, kind).await?));
            }
            Fault::RegistersTheFreeName => {
                let half = match kind {
                    IdentifierKind::Username => Identifiers::new(None, email.cloned()),
                    IdentifierKind::Email => Identifiers::new(username.cloned(), None),
                };
                if let Some(identifiers) = half {
                    self.inner.register(&NewUser { identifiers, ..user.clone() }).await?;
                }
            }
            _ => {}
        }
        Ok(RegisterOutcome::Taken(kind))
    }

    /// Reports the e-mail address if it is taken, even if the username is taken too.
    pub(super) async fn conflicting_kind(
        &self,
        identifiers: &Identifiers,
        kind: IdentifierKind,
    ) -> Result<IdentifierKind, PortError> {
        let Some(email) = identifiers.email() else { return Ok(kind) };
        let holder = UserRepository::find(&*self.inner, &UserRef::Identifier(email.key().clone())).await?;
        Ok(if holder.is_some() { IdentifierKind::Email } else { kind })
    }

    /// Registers a user with an unused name, but returns the requested names.
    async fn register_despite_conflict(&self, user: &NewUser) -> Result<RegisterOutcome, PortError> {
        if let RegisterOutcome::Registered(user) = self.inner.register(user).await? {
            return Ok(RegisterOutcome::Registered(user));
        }
        let identifiers = identifiers(Some(self.unused_name()), None);
        match self.inner.register(&NewUser { identifiers, ..user.clone() }).await? {
            RegisterOutcome::Registered(registered) => {
                Ok(RegisterOutcome::Registered(User { identifiers: user.identifiers.clone(), ..registered }))
            }
            taken @ RegisterOutcome::Taken(_) => Ok(taken),
        }
    }

    pub(super) fn unused_name(&self) -> Username {
        parse_username(&format!("unused name {}", self.count()))
    }

    pub(super) fn count(&self) -> u64 {
        let mut log = self.log();
        log.made += 1;
        log.made
    }

    /// Registers a hidden user for each of these names that is free, so that the names stay taken.
    pub(super) async fn reserve_names(&self, names: &Identifiers) -> Result<(), PortError> {
        for (_, key) in names.keys() {
            let hidden = NewUser {
                id: UserId(Uuid::from_u128(1 << 64 | u128::from(self.count()))),
                identifiers: identifiers(Some(parse_username(key.as_str())), None),
                display_name: None,
                phone_number: None,
                roles: Roles::default(),
                password_hash: None,
                created_at: Timestamp::UNIX_EPOCH,
                metadata: None,
            };
            self.inner.register(&hidden).await?;
        }
        Ok(())
    }

    /// Whether no other user than `user` has any of these names.
    pub(super) async fn are_free(&self, keys: &[IdentifierKey], user: UserId) -> Result<bool, PortError> {
        for key in keys {
            let holder = UserRepository::find(&*self.inner, &UserRef::Identifier(key.clone())).await?;
            if holder.is_some_and(|holder| holder.id != user) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Locks names one after the other, as row locks do. It fails when another call has locked one of them.
    pub(super) async fn lock_names(&self, names: Vec<IdentifierKey>) -> Result<LockedNames<'_>, PortError> {
        let mut locked = LockedNames { log: &self.log, names: vec![] };
        for name in names {
            if self.log().locked_names.contains(&name) {
                return Err(unavailable("deadlock detected"));
            }
            self.log().locked_names.push(name.clone());
            locked.names.push(name);
            yield_now().await;
        }
        Ok(locked)
    }
}

/// Names that are locked until this value is dropped.
pub(super) struct LockedNames<'a> {
    log: &'a Mutex<CallLog>,
    names: Vec<IdentifierKey>,
}

impl Drop for LockedNames<'_> {
    fn drop(&mut self) {
        if let Ok(mut log) = self.log.lock() {
            log.locked_names.retain(|name| !self.names.contains(name));
        }
    }
}

fn identifiers(username: Option<Username>, email: Option<EmailAddress>) -> Identifiers {
    Identifiers::new(username, email).expect("a name")
}

fn parse_username(typed: &str) -> Username {
    Username::parse(typed).expect("a username")
}

fn truncated(name: &Username) -> Username {
    parse_username(&name.as_str().chars().take(100).collect::<String>())
}

fn parsed_as_number(name: Username) -> Username {
    match name.as_str().parse::<f64>() {
        Ok(number) => parse_username(&number.to_string()),
        Err(_) => name,
    }
}

fn parse_email(typed: &str) -> EmailAddress {
    EmailAddress::parse(typed).expect("an e-mail address")
}

/// The keys of all names.
pub(super) fn keys_of(identifiers: &Identifiers) -> Vec<IdentifierKey> {
    identifiers.keys().into_iter().map(|(_, key)| key.clone()).collect()
}

fn names_in(identifiers: &Identifiers) -> usize {
    identifiers.username().iter().count() + identifiers.email().iter().count()
}

pub(super) fn to_milliseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_unix_micros(time.unix_micros() / 1_000 * 1_000)
}

fn without_joiners(name: &DisplayName) -> Option<DisplayName> {
    DisplayName::parse(&name.as_str().replace(['\u{200c}', '\u{200d}'], "")).ok()
}
