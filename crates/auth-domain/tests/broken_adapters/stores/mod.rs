//! A store in memory that can be told to break one promise.

mod api_keys;
mod sessions;
mod users;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use auth_domain::conformance::StoreFixture;
use auth_domain::model::{
    NewSession, SecretDigest, Session, SessionId, SuccessorNonce, Timestamp, User, UserId,
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
    LosesReplaysInRefreshes,
    LeavesCredentialsOfTheDeleted,
    RefreshesOneSessionAtATime,

    // ending and purging
    EndsTwice,
    KeepsTheLastEnd,
    EndsAllOfAUser,
    ChecksEndsBeforeItWrites,
    EndsByCurrentCredentialsOnly,
    EndsForAnyClient,
    AnswersEndsByCredentialTwice,
    PurgesTheEndedOnly,
    PurgesToTheSecond,
    PurgesWithoutLimit,
    PurgesNothing,
    KeepsCredentialsOfThePurged,

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
    names_in_work: Vec<String>,
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
