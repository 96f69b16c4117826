//! A client that loses the answers to its refreshes.

use std::thread::{scope, sleep};
use std::time::Duration;

use crate::random::Random;
use crate::{Connection, Grant, RotatingDialect, TestServer};

/// The longest time after which a client gives up a request.
const LONGEST_PATIENCE: Duration = Duration::from_millis(50);

/// What happened to the sessions of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostResponses {
    /// The rounds in which the retry was answered with 200.
    pub rounds: usize,
    /// The retries that were first answered with 429 or 503, and repeated after `Retry-After`.
    pub delayed: usize,
    /// The sessions that were over too early.
    pub lost_sessions: usize,
}

impl LostResponses {
    /// Runs this number of rounds in each of the sessions, all sessions at once.
    ///
    /// In a round, the client sends a refresh and closes the connection after 1 to 50 ms. It retries on a new connection,
    /// and continues with the new token at once, while the server may still process the first request.
    #[must_use]
    pub fn run(server: &TestServer, dialect: RotatingDialect, sessions: Vec<Grant>, rounds: usize) -> Self {
        let results: Vec<_> = scope(|scope| {
            let runs = sessions.into_iter().map(|grant| {
                scope.spawn(move || Session { server, dialect, grant, result: Self::default() }.run(rounds))
            });
            // All threads have to start before the first one is joined.
            let runs: Vec<_> = runs.collect();
            runs.into_iter().map(|run| run.join().expect("no panic")).collect()
        });
        results.into_iter().fold(Self::default(), |sum, one| Self {
            rounds: sum.rounds + one.rounds,
            delayed: sum.delayed + one.delayed,
            lost_sessions: sum.lost_sessions + one.lost_sessions,
        })
    }
}

struct Session<'a> {
    server: &'a TestServer,
    dialect: RotatingDialect,
    grant: Grant,
    result: LostResponses,
}

impl Session<'_> {
    fn run(mut self, rounds: usize) -> LostResponses {
        let mut random = Random::new();
        for _ in 0..rounds {
            self.lose_a_response(random.duration(LONGEST_PATIENCE));
            if !self.retry() {
                self.result.lost_sessions = 1;
                return self.result;
            }
            self.result.rounds += 1;
        }
        // The last of the abandoned requests is processed within this time, and must not end the session either.
        sleep(2 * LONGEST_PATIENCE);
        let mut connection = Connection::open(self.server.base());
        let opened = connection.get("/v1/protected/resource", &self.grant.access_token).expect("an answer");
        self.result.lost_sessions = usize::from(opened.status != 200 || !self.retry());
        self.result
    }

    fn lose_a_response(&self, patience: Duration) {
        let mut connection = Connection::open(self.server.base());
        self.dialect.send_refresh(&mut connection, &self.grant.refresh_token).expect("sent");
        sleep(patience);
    }

    /// Refreshes on a new connection, and returns whether the session is still live.
    fn retry(&mut self) -> bool {
        loop {
            let mut connection = Connection::open(self.server.base());
            let response =
                self.dialect.refresh(&mut connection, &self.grant.refresh_token).expect("an answer");
            if let Some(wait) = response.retry_after() {
                self.result.delayed += 1;
                sleep(wait);
            } else if response.status == 200 {
                self.grant = self.dialect.refreshed(&response);
                return true;
            } else {
                return false;
            }
        }
    }
}
