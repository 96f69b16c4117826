//! Sessions under pressure: many requests at once, several nodes, users managed from the shell.

use std::thread;

use e2e::{Client, TestData, TestServer, claims, run};

#[test]
fn concurrent_refreshes_all_get_the_same_successor() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let mut token = client.log_in("john").member("acc_token");
        // A 17th rotation within the retry window would be limited.
        for round in 0..16 {
            let responses: Vec<_> = thread::scope(|scope| {
                let tasks: Vec<_> =
                    (0..24).map(|_| scope.spawn(|| server.client().refresh(&token))).collect();
                tasks.into_iter().map(|task| task.join().expect("answered")).collect()
            });
            let successors: Vec<_> = responses.iter().map(|response| response.member("token")).collect();
            token.clone_from(&successors[0]);
            for successor in &successors {
                // The same credential, `jti`, `iat` and `exp`. The signatures of ES256 differ.
                assert_eq!(claims(successor), claims(&token), "round {round}");
                assert_eq!(client.open(successor).status, 200, "round {round}");
            }
        }
    }
}

#[test]
fn concurrent_registrations_of_one_name_succeed_once() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let statuses: Vec<_> = thread::scope(|scope| {
            let tasks: Vec<_> = (0..24)
                .map(|_| scope.spawn(|| Client::retry_overloaded(|| server.client().register("john")).status))
                .collect();
            tasks.into_iter().map(|task| task.join().expect("answered")).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 23, "{statuses:?}");
    }
}

#[test]
fn two_nodes_on_one_database_share_users_and_sessions() {
    let data = TestData::on_postgres();
    let [first, second] = [TestServer::start(&data), TestServer::start(&data)];
    assert_eq!(first.client().register("john").status, 201);
    let token = second.client().log_in("john").member("acc_token");
    assert_eq!(first.client().open(&token).status, 200);
    let renewed = first.client().refresh(&token).member("token");
    let again = second.client().refresh(&token).member("token");
    assert_eq!(claims(&again), claims(&renewed));
    assert_eq!(first.client().open(&again).status, 200);
}

#[test]
fn suspending_or_resetting_a_user_logs_them_out() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        run(&data, &["user", "create", "--username", "jane"], "P@ssw0rd!\n");
        let token = client.log_in("jane").member("acc_token");
        assert_eq!(client.open(&token).status, 200);

        run(&data, &["user", "suspend", "jane"], "");
        server.wait_for("logged out", || client.open(&token).status == 401);
        assert_eq!(client.refresh(&token).status, 401);
        client.log_in("jane").assert(401, r#"{"error":"Invalid credentials."}"#);

        run(&data, &["user", "activate", "jane"], "");
        let token = client.log_in("jane").member("acc_token");
        run(&data, &["user", "set-password", "jane"], "another password\n");
        server.wait_for("logged out", || client.open(&token).status == 401);
        assert_eq!(client.log_in("jane").status, 401);
        let token = client.log_in_with("jane", "another password").member("acc_token");

        run(&data, &["user", "delete", "jane"], "");
        server.wait_for("logged out", || client.open(&token).status == 401);
        assert_eq!(client.register("jane").status, 201, "the name is free again");
    }
}

#[test]
fn role_set_from_the_shell_takes_effect_at_the_next_login() {
    for data in TestData::on_every_store() {
        let server = TestServer::start_with(&data, &[("AUTH_PROTECTED__REQUIRED_ROLE", "staff")]);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let token = client.log_in("john").member("acc_token");
        client.open(&token).assert(403, r#"{"error":"Forbidden."}"#);
        run(&data, &["user", "set-roles", "john", "staff"], "");
        server.wait_for("logged out", || client.open(&token).status == 401);
        let token = client.log_in("john").member("acc_token");
        assert_eq!(client.open(&token).status, 200);
    }
}
