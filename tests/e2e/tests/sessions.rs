//! Sessions under pressure: many requests at once, several nodes, users managed from the shell.

use std::collections::BTreeSet;
use std::thread;

use e2e::{Client, Server, World, run};

#[test]
fn of_concurrent_refreshes_all_get_the_one_same_successor_on_every_store() {
    for world in World::on_every_store() {
        let server = Server::start(&world);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let mut token = client.log_in("john").member("acc_token");
        for round in 0..20 {
            let answers: Vec<_> = thread::scope(|scope| {
                let tasks: Vec<_> =
                    (0..24).map(|_| scope.spawn(|| server.client().refresh(&token))).collect();
                tasks.into_iter().map(|task| task.join().expect("answered")).collect()
            });
            let successors: BTreeSet<_> = answers.iter().map(|answer| answer.member("token")).collect();
            assert_eq!(successors.len(), 1, "round {round}");
            token = successors.into_iter().next().expect("one");
        }
    }
}

#[test]
fn of_concurrent_registrations_of_one_name_exactly_one_succeeds_on_every_store() {
    for world in World::on_every_store() {
        let server = Server::start(&world);
        let statuses: Vec<_> = thread::scope(|scope| {
            let register = || Client::patiently(|| server.client().register("john")).status;
            let tasks: Vec<_> = (0..24).map(|_| scope.spawn(register)).collect();
            tasks.into_iter().map(|task| task.join().expect("answered")).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 23, "{statuses:?}");
    }
}

#[test]
fn two_nodes_on_one_database_share_users_and_sessions() {
    let world = World::on_postgres();
    let [first, second] = [Server::start(&world), Server::start(&world)];
    assert_eq!(first.client().register("john").status, 201);
    let token = second.client().log_in("john").member("acc_token");
    assert_eq!(first.client().open(&token).status, 200);
    let renewed = first.client().refresh(&token).member("token");
    assert_eq!(second.client().refresh(&token).member("token"), renewed);
}

#[test]
fn a_user_suspended_or_given_another_password_from_the_shell_is_logged_out() {
    for world in World::on_every_store() {
        let server = Server::start(&world);
        let client = server.client();
        run(&world, &["user", "create", "--username", "jane"], "P@ssw0rd!\n");
        let token = client.log_in("jane").member("acc_token");
        assert_eq!(client.open(&token).status, 200);

        run(&world, &["user", "suspend", "jane"], "");
        server.wait_for("logged out", || client.open(&token).status == 401);
        assert_eq!(client.refresh(&token).status, 401);
        client.log_in("jane").assert(401, r#"{"error":"Invalid credentials."}"#);

        run(&world, &["user", "activate", "jane"], "");
        let token = client.log_in("jane").member("acc_token");
        run(&world, &["user", "set-password", "jane"], "another password\n");
        server.wait_for("logged out", || client.open(&token).status == 401);
        assert_eq!(client.log_in("jane").status, 401);
        let token = client.log_in_with("jane", "another password").member("acc_token");

        run(&world, &["user", "delete", "jane"], "");
        server.wait_for("logged out", || client.open(&token).status == 401);
        assert_eq!(client.register("jane").status, 201, "the name is free again");
    }
}

#[test]
fn a_role_given_from_the_shell_is_had_from_the_next_login_on() {
    for world in World::on_every_store() {
        let server = Server::start_with(&world, &[("AUTH_PROTECTED__REQUIRED_ROLE", "staff")]);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let token = client.log_in("john").member("acc_token");
        client.open(&token).assert(403, r#"{"error":"Forbidden."}"#);
        run(&world, &["user", "set-roles", "john", "staff"], "");
        server.wait_for("logged out", || client.open(&token).status == 401);
        let token = client.log_in("john").member("acc_token");
        assert_eq!(client.open(&token).status, 200);
    }
}
