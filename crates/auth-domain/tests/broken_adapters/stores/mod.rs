//! A store in memory that can be told to break one promise.

mod api_keys;
mod changing;
mod opening;
mod refreshing;
mod registering;
mod sessions;
mod users;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use auth_domain::conformance::StoreFixture;
use auth_domain::model::{
    ApiKeyId, IdentifierKey, NewApiKey, NewSession, SecretDigest, Session, SessionId, SuccessorNonce, Timestamp, User, UserId,
};
use auth_domain::ports::{ApiKeyRepository, Cause, PortError, SessionRepository, UserRepository};
use auth_domain::testing::MemoryStore;
use tokio::task::yield_now;

/// Which promise the store breaks, in the words of somebody who finds the bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None: the control. Its calls meet each other nevertheless.
    None,
    /// Two calls at once, as with a database that is locked.
    FaultsWhenCallsMeet,

    // registering
    DropsDisplayNames,
    DropsPhoneNumbers,
    DropsRoles,
    DropsEmails,
    CutsNames,
    CutsHashes,
    CutsTimesToMilliseconds,
    CutsTimesAtYear2100,
    StoresNamesFolded,
    ReadsNumbersIntoNames,
    RewritesTheLeastId,
    NumbersFromZero,
    NumbersAllAlike,
    ReusesNumbers,
    TakesNamesBySpelling,
    TakesUsernamesAndEmailsApart,
    LetsNobodyHaveOneNameTwice,
    NamesTheEmailFirst,
    RegistersHalfOfIt,
    ChecksNamesBeforeItWrites,
    FaultsWhenNamesAreWaitedFor,
    OverwritesUsersOfTheSameId,

    // reading users
    FindsByPatterns,
    FindsForLoginByUsernameOnly,
    FindsUsersAsTheyRegistered,
    ListsTheNumberItself,
    ListsNewestFirst,
    ListsOneTooMany,
    ListsNothingAfterAGap,
    FaultsOnHugeNumbers,

    // changing users
    IgnoresTheNewDisplayName,
    IgnoresTheNewPhoneNumber,
    IgnoresTheNewUsername,
    IgnoresTheNewEmail,
    KeepsChangedEmailsVerified,
    UnverifiesEmailsInAnotherSpelling,
    UnverifiesEmailsAtEveryChange,
    ChangesHalfOfIt,
    ChangesEverybody,
    LooksForNamesBeforeUsers,
    KeepsOldNames,
    FreesNamesStillHeld,
    RefusesOwnNames,
    AnswersUpdatesWithTheOldUser,
    NeverSuspends,
    AddsRoles,

    // passwords
    ChangesAnyVersion,
    ComparesVersionsBeforeItWrites,
    CountsNoVersions,
    CountsVersionsOfBetterHashes,
    UpdatesPasswordsWithoutVersion,
    UpgradesAnyHash,
    ComparesHashesBeforeItWrites,
    MatchesHashesWithoutCase,

    // users and their sessions
    KeepsSessionsOfChangedPasswords,
    KeepsSessionsOfTheSuspended,
    KeepsSessionsOfTheDeleted,
    EndsSessionsOfEverybody,
    EndsSessionsAtRoleChanges,
    EndsSessionsAtUpdates,
    EndsSessionsForNoReason,
    RevivesSessions,
    DeletesTwice,
    KeepsNamesOfTheDeleted,

    // opening
    OpensForOldPasswords,
    OpensForTheSuspended,
    OpensForNobody,
    RefusesAfterBetterHashes,
    RefusesAfterSuspensions,
    ChecksUsersBeforeItOpens,
    MakesRoomForTheRefused,
    OverwritesSessionsOfTheSameId,
    HasNoLimit,
    EndsTheNewest,
    EndsTheLeastBusy,
    EndsTheNewByASlowClock,
    EndsOneAtMost,
    CountsSessionsThatAreOver,
    CountsSessionsThatEnded,
    CountsToTheSecond,
    CountsSessionsOfEverybody,
    CountsBeforeItOpens,
    OverflowsOnHugeLimits,
    SupersedesAsLoggedOut,

    // reading sessions
    CutsClientIds,
    CutsSessionTimes,
    FindsSessionsWithTheirUserAsItWas,
    KnowsReasonsByHalf,
    RewritesTheLeastSessionId,
    FindsCredentialsByHalf,
    FaultsOnUnknownCredentials,

    // refreshing
    LetsTwoRotate,
    AnswersRetriesWithAnotherNonce,
    RefreshesByRetries,
    StoresSuccessorsOfRetries,
    RemembersNonces,
    ForgetsNoncesOfOtherSessions,
    JudgesByTheDefaultPolicy,
    ForgetsReplays,
    EndsAllSessionsOnReplay,
    ReplaysTwice,
    CountsNoRefresh,
    MovesTheExpiry,
    RotatesTheReusable,
    EndsOnOtherClients,
    EndsWhatIsOver,
    TellsTheSessionAsItBecame,
    TellsTheUserAsTheyWere,
    LosesEndsInRefreshes,
    LeavesCredentialsBehind,

    // ending and purging
    EndsTwice,
    KeepsTheLastEnd,
    EndsAllOfAUser,
    ChecksEndsBeforeItWrites,
    EndsByCurrentCredentialsOnly,
    EndsForAnyClient,
    AnswersEndsByCredentialTwice,
    PurgesNoIdleSessions,
    PurgesToTheSecond,
    PurgesWithoutLimit,
    PurgesNothing,

    // API keys
    DropsExpiries,
    DropsScopes,
    CutsKeyTimes,
    FindsKeysByHalf,
    HidesRevokedKeys,
    ListsKeysNewestFirst,
    RevokesTwice,
    RevokesEveryKey,
    ChecksRevocationsBeforeItWrites,
    KeepsTheLastUse,
    ReadsUsesBeforeItWrites,
    MarksEveryKey,
    MarksNoRevokedKey,
    OverwritesKeysOfTheSameId,
}
impl Fault { pub(crate) const ALL: [Self; 137] = [Self::None, Self::FaultsWhenCallsMeet, Self::DropsDisplayNames, Self::DropsPhoneNumbers, Self::DropsRoles, Self::DropsEmails, Self::CutsNames, Self::CutsHashes, Self::CutsTimesToMilliseconds, Self::CutsTimesAtYear2100, Self::StoresNamesFolded, Self::ReadsNumbersIntoNames, Self::RewritesTheLeastId, Self::NumbersFromZero, Self::NumbersAllAlike, Self::ReusesNumbers, Self::TakesNamesBySpelling, Self::TakesUsernamesAndEmailsApart, Self::LetsNobodyHaveOneNameTwice, Self::NamesTheEmailFirst, Self::RegistersHalfOfIt, Self::ChecksNamesBeforeItWrites, Self::FaultsWhenNamesAreWaitedFor, Self::OverwritesUsersOfTheSameId, Self::FindsByPatterns, Self::FindsForLoginByUsernameOnly, Self::FindsUsersAsTheyRegistered, Self::ListsTheNumberItself, Self::ListsNewestFirst, Self::ListsOneTooMany, Self::ListsNothingAfterAGap, Self::FaultsOnHugeNumbers, Self::IgnoresTheNewDisplayName, Self::IgnoresTheNewPhoneNumber, Self::IgnoresTheNewUsername, Self::IgnoresTheNewEmail, Self::KeepsChangedEmailsVerified, Self::UnverifiesEmailsInAnotherSpelling, Self::UnverifiesEmailsAtEveryChange, Self::ChangesHalfOfIt, Self::ChangesEverybody, Self::LooksForNamesBeforeUsers, Self::KeepsOldNames, Self::FreesNamesStillHeld, Self::RefusesOwnNames, Self::AnswersUpdatesWithTheOldUser, Self::NeverSuspends, Self::AddsRoles, Self::ChangesAnyVersion, Self::ComparesVersionsBeforeItWrites, Self::CountsNoVersions, Self::CountsVersionsOfBetterHashes, Self::UpdatesPasswordsWithoutVersion, Self::UpgradesAnyHash, Self::ComparesHashesBeforeItWrites, Self::MatchesHashesWithoutCase, Self::KeepsSessionsOfChangedPasswords, Self::KeepsSessionsOfTheSuspended, Self::KeepsSessionsOfTheDeleted, Self::EndsSessionsOfEverybody, Self::EndsSessionsAtRoleChanges, Self::EndsSessionsAtUpdates, Self::EndsSessionsForNoReason, Self::RevivesSessions, Self::DeletesTwice, Self::KeepsNamesOfTheDeleted, Self::OpensForOldPasswords, Self::OpensForTheSuspended, Self::OpensForNobody, Self::RefusesAfterBetterHashes, Self::RefusesAfterSuspensions, Self::ChecksUsersBeforeItOpens, Self::MakesRoomForTheRefused, Self::OverwritesSessionsOfTheSameId, Self::HasNoLimit, Self::EndsTheNewest, Self::EndsTheLeastBusy, Self::EndsTheNewByASlowClock, Self::EndsOneAtMost, Self::CountsSessionsThatAreOver, Self::CountsSessionsThatEnded, Self::CountsToTheSecond, Self::CountsSessionsOfEverybody, Self::CountsBeforeItOpens, Self::OverflowsOnHugeLimits, Self::SupersedesAsLoggedOut, Self::CutsClientIds, Self::CutsSessionTimes, Self::FindsSessionsWithTheirUserAsItWas, Self::KnowsReasonsByHalf, Self::RewritesTheLeastSessionId, Self::FindsCredentialsByHalf, Self::FaultsOnUnknownCredentials, Self::LetsTwoRotate, Self::AnswersRetriesWithAnotherNonce, Self::RefreshesByRetries, Self::StoresSuccessorsOfRetries, Self::RemembersNonces, Self::ForgetsNoncesOfOtherSessions, Self::JudgesByTheDefaultPolicy, Self::ForgetsReplays, Self::EndsAllSessionsOnReplay, Self::ReplaysTwice, Self::CountsNoRefresh, Self::MovesTheExpiry, Self::RotatesTheReusable, Self::EndsOnOtherClients, Self::EndsWhatIsOver, Self::TellsTheSessionAsItBecame, Self::TellsTheUserAsTheyWere, Self::LosesEndsInRefreshes, Self::LeavesCredentialsBehind, Self::EndsTwice, Self::KeepsTheLastEnd, Self::EndsAllOfAUser, Self::ChecksEndsBeforeItWrites, Self::EndsByCurrentCredentialsOnly, Self::EndsForAnyClient, Self::AnswersEndsByCredentialTwice, Self::PurgesNoIdleSessions, Self::PurgesToTheSecond, Self::PurgesWithoutLimit, Self::PurgesNothing, Self::DropsExpiries, Self::DropsScopes, Self::CutsKeyTimes, Self::FindsKeysByHalf, Self::HidesRevokedKeys, Self::ListsKeysNewestFirst, Self::RevokesTwice, Self::RevokesEveryKey, Self::ChecksRevocationsBeforeItWrites, Self::KeepsTheLastUse, Self::ReadsUsesBeforeItWrites, Self::MarksEveryKey, Self::MarksNoRevokedKey, Self::OverwritesKeysOfTheSameId]; }

/// What the faults need to know of what happened.
#[derive(Default)]
struct Notes {
    users: HashMap<UserId, User>,
    opened: Vec<NewSession>,
    /// Sessions that are read otherwise than the store knows them.
    altered: HashMap<SessionId, (Session, User)>,
    credentials: HashMap<SecretDigest, SessionId>,
    consumed: HashMap<SecretDigest, (Timestamp, SuccessorNonce)>,
    aliases: HashMap<SecretDigest, SecretDigest>,
    last_rotated: Option<SecretDigest>,
    names_in_work: Vec<IdentifierKey>,
    freed_names: Vec<IdentifierKey>,
    better_hashed: Vec<UserId>,
    once_suspended: Vec<UserId>,
    keys: Vec<NewApiKey>,
    last_uses: Vec<(ApiKeyId, Timestamp)>,
    made: u64,
}

/// A store that breaks one promise.
pub(crate) struct Broken {
    inner: MemoryStore,
    fault: Fault,
    notes: Mutex<Notes>,
    calls: AtomicUsize,
}

/// A call at work.
struct Call<'a>(&'a AtomicUsize);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Broken {
    pub(crate) fn by(fault: Fault) -> Self {
        Self { inner: MemoryStore::new(), fault, notes: Mutex::default(), calls: AtomicUsize::new(0) }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().expect("no panic under the lock")
    }

    /// Begins a call: others may come in between, as with any store that is not in memory.
    async fn begin(&self) -> Result<Call<'_>, PortError> {
        let others = self.calls.fetch_add(1, Ordering::SeqCst);
        let call = Call(&self.calls);
        if others > 0 && self.is(Fault::FaultsWhenCallsMeet) {
            return Err(unavailable("database is locked"));
        }
        yield_now().await;
        Ok(call)
    }
}

fn unavailable(why: &'static str) -> PortError {
    PortError::Unavailable(Cause::from(why))
}

#[async_trait]
impl StoreFixture for Broken {
    fn users(&self) -> &dyn UserRepository {
        self
    }

    fn sessions(&self) -> &dyn SessionRepository {
        self
    }

    fn api_keys(&self) -> &dyn ApiKeyRepository {
        self
    }

    async fn verify_email(&self, user: UserId) {
        self.inner.verify_email(user);
    }
}
