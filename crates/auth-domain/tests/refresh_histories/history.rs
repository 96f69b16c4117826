//! Random histories of operations.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::reference::{ABSOLUTE, ACCESS, GRACE, IDLE, LEEWAY};

/// The number of operations in a history.
pub(crate) const OPERATIONS: usize = 50;

/// The number of clients: two for each refresh style.
pub(crate) const CLIENTS: usize = 8;

/// One step of a history. Sessions and tokens are counted back from the newest one; a number that is too large means the
/// oldest one.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    LogIn {
        client: usize,
    },
    Refresh {
        session: usize,
        token: usize,
        by: PresentedBy,
    },
    /// A refresh that was received this long ago, and is judged now.
    RefreshDelayed {
        session: usize,
        token: usize,
        by: PresentedBy,
        micros: u64,
    },
    /// A refresh that was received around a moment in the life of its token, if that moment has passed.
    RefreshAround {
        session: usize,
        token: usize,
        moment: Moment,
        offset: i64,
    },
    /// Refreshes one after the other, each with the newest token.
    RefreshRepeatedly {
        session: usize,
        count: usize,
    },
    RefreshWith {
        session: usize,
        forgery: Forgery,
    },
    LogOut {
        session: usize,
        token: usize,
        by: PresentedBy,
    },
    LogOutById {
        session: usize,
    },
    Use {
        session: usize,
        token: usize,
    },
    Wait {
        micros: u64,
    },
    WaitUntil {
        session: usize,
        deadline: Deadline,
        offset: i64,
    },
}

/// The client that presents a token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PresentedBy {
    OwnClient,
    OtherClient(usize),
}

/// A moment in the life of a token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// Its consumption.
    Consumption,
    /// The earliest time of a clock that is not too far behind its consumption.
    Leeway,
    /// The end of its retry window.
    Grace,
}

/// What is presented instead of a valid token.
#[derive(Clone, Debug)]
pub(crate) enum Forgery {
    Text(&'static str),
    /// The session's current token with one character changed.
    Mistyped(usize),
    /// A well-formed token that was never issued.
    Unknown,
    /// An access token where a refresh token is expected, or the other way round.
    OtherKind,
}

/// A time limit of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    Grace,
    /// The time from which a rotation drops the newest consumed credential.
    Kept,
    Idle,
    Absolute,
    Access,
}

/// The effect of an operation. A test shows that the histories reach every effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Refreshed,
    Retried,
    /// A retry whose answer is not the successor of the presented token, but a later one.
    RetriedAlongTheChain,
    /// A retry that was received before the token was consumed.
    RetriedEarly,
    Refused,
    Replayed,
    Throttled,
    ClockBehind,
    LoggedOut(bool),
    Admitted(bool),
}

/// The events with the name of the session's refresh style.
pub(crate) type EventSet = BTreeSet<(String, Event)>;

/// Generates histories.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), OPERATIONS)
}

fn session() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 1 => 1..4_usize]
}

fn token() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 3 => Just(1), 2 => 2..20_usize]
}

fn presented_by() -> impl Strategy<Value = PresentedBy> {
    prop_oneof![12 => Just(PresentedBy::OwnClient), 1 => (0..CLIENTS).prop_map(PresentedBy::OtherClient)]
}

fn operation() -> impl Strategy<Value = Operation> {
    let wait =
        [0, 1, 1_000_000, GRACE / 3, GRACE - 1, GRACE, ACCESS, ACCESS + LEEWAY, IDLE / 2, ABSOLUTE / 3];
    let deadline = [
        Deadline::Grace,
        Deadline::Grace,
        Deadline::Kept,
        Deadline::Access,
        Deadline::Idle,
        Deadline::Absolute,
    ];
    let delay = [1, 1_000_000, LEEWAY, LEEWAY + 1, GRACE, GRACE + LEEWAY, ACCESS, IDLE / 2];
    let moment = [Moment::Consumption, Moment::Leeway, Moment::Grace];
    prop_oneof![
        6 => (0..CLIENTS).prop_map(|client| Operation::LogIn { client }),
        40 => (session(), token(), presented_by())
            .prop_map(|(session, token, by)| Operation::Refresh { session, token, by }),
        8 => (session(), token(), presented_by(), select(delay.to_vec()))
            .prop_map(|(session, token, by, micros)| Operation::RefreshDelayed { session, token, by, micros }),
        8 => (session(), token(), select(moment.to_vec()), -1..=1_i64)
            .prop_map(|(session, token, moment, offset)| Operation::RefreshAround { session, token, moment, offset }),
        2 => (session(), 14..18_usize)
            .prop_map(|(session, count)| Operation::RefreshRepeatedly { session, count }),
        4 => (session(), forgery()).prop_map(|(session, forgery)| Operation::RefreshWith { session, forgery }),
        2 => (session(), token(), presented_by())
            .prop_map(|(session, token, by)| Operation::LogOut { session, token, by }),
        1 => session().prop_map(|session| Operation::LogOutById { session }),
        15 => (session(), token()).prop_map(|(session, token)| Operation::Use { session, token }),
        15 => select(wait.to_vec()).prop_map(|micros| Operation::Wait { micros }),
        15 => (session(), select(deadline.to_vec()), -1..=1_i64)
            .prop_map(|(session, deadline, offset)| Operation::WaitUntil { session, deadline, offset }),
    ]
}

fn forgery() -> impl Strategy<Value = Forgery> {
    prop_oneof![
        select(vec!["", "ref_", "plain.", "a.b.c", "\u{0}"]).prop_map(Forgery::Text),
        (0..200_usize).prop_map(Forgery::Mistyped),
        Just(Forgery::Unknown),
        Just(Forgery::OtherKind),
    ]
}
