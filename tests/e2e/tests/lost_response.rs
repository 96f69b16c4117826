//! A client whose responses are lost keeps its session, however late the server processes the abandoned requests.

use e2e::{LostResponses, RotatingDialect, TestData, TestServer};

const SESSIONS: usize = 4;
/// Fewer than the rotations that a session may have within one retry window.
const ROUNDS: usize = 10;

#[test]
fn lost_responses_end_no_session() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        for dialect in RotatingDialect::ALL {
            let sessions = (0..SESSIONS).map(|_| dialect.log_in(&client, "john")).collect();
            let result = LostResponses::run(&server, dialect, sessions, ROUNDS);
            assert_eq!(
                (result.rounds, result.lost_sessions),
                (SESSIONS * ROUNDS, 0),
                "{dialect:?}: {}",
                server.log()
            );
        }
    }
}
