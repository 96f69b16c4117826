//! Log-ins a second with both cores saturated, compared with Argon2id alone on the same cores.

use anyhow::Result;
use e2e::TestServer;

use crate::bench::{Bench, Store};
use crate::client::{CycledRequests, closed, post};
use crate::limits::Limit;
use crate::limits::argon2::Implementation;
use crate::measure::{Better, Goal, Measured};
use crate::measures::{cores, measure_load, rate};
use crate::sessions::{self, LOG_IN};

/// Each logs in as different users.
const CONNECTIONS: usize = 64;
/// The users of each connection, in turn: few people log in again and again, so few have many live sessions.
const USERS_OF_EACH: usize = 8;

/// On each store.
///
/// # Errors
/// When a log-in fails.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for store in Store::ALL {
        measured.push(on(store, bench).await?);
    }
    Ok(measured)
}

async fn on(store: Store, bench: &Bench) -> Result<Measured> {
    let data = store.test_data()?;
    let server = TestServer::start(&data);
    let clients = clients(&server)?;
    let id = format!("login-{}", store.id());
    let limit = async || {
        let (threads, seconds) = (cores().to_string(), bench.run.as_secs_f64().to_string());
        let implementation = Implementation::Simd.to_string();
        Ok(Limit::start(&[], &["hash", &implementation, &threads, &seconds])?.line()?.parse()?)
    };
    let ours = async || {
        let load = closed(server.base(), clients.clone(), bench.warm_up, bench.run);
        Ok(rate(&measure_load(&id, &server, bench, load).await?))
    };
    let rounds = bench.pairs(&format!("log-ins, {store}"), limit, ours).await?;
    Ok(Measured {
        id: id.clone(),
        name: format!("Log-ins, {store}"),
        unit: "requests/s".to_owned(),
        better: Better::Higher,
        goal: Some(Goal::Ratio(0.95)),
        limit: format!(
            "Argon2id (19,456 KiB, 2 passes, 1 lane) by {} in a bare loop on every core, memory kept",
            Implementation::Simd
        ),
        rounds,
        notes: vec![format!(
            "{CONNECTIONS} connections, each of {USERS_OF_EACH} users in turn, `POST /api/v1/auth/login` in a closed loop, 200 only. Each \
             response follows a committed session and two new tokens. TestServer, store and client share all cores: what the \
             client takes is lost to the server, and is not given back in the ratio."
        )],
    })
}

/// Registers the users, and gives what each connection says.
fn clients(server: &TestServer) -> Result<Vec<CycledRequests>> {
    let users = sessions::register(&server.client(), CONNECTIONS * USERS_OF_EACH)?;
    let log_ins: Vec<_> = users.iter().map(|user| post(LOG_IN, &sessions::credentials(user))).collect();
    Ok(log_ins.chunks(USERS_OF_EACH).map(|log_ins| CycledRequests::of(log_ins.to_vec())).collect())
}
