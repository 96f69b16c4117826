//! Requests a second with an access token, compared with a bare server that verifies the same token.

use anyhow::Result;
use e2e::{Client, TestServer};

use crate::bench::{Bench, Store};
use crate::client::{SameRequest, closed, get};
use crate::cores::CorePinning;
use crate::limits::Limit;
use crate::measure::{Better, Goal, Measured};
use crate::measures::{measure_load, published_key, rate, register};

const CONNECTIONS: usize = 32;

/// A path, and how one gets a token for it.
struct Endpoint {
    id: &'static str,
    path: &'static str,
    log_in: &'static str,
    token: &'static str,
}

const ENDPOINTS: [Endpoint; 2] = [
    Endpoint { id: "me", path: "/api/v1/auth/me", log_in: "/api/v1/auth/login", token: "accessToken" },
    Endpoint {
        id: "protected",
        path: "/v1/protected/resource",
        log_in: "/v1/auth/login",
        token: "acc_token",
    },
];

/// On each store.
///
/// # Errors
/// When an answer is not 200.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for store in Store::ALL {
        let data = store.test_data()?;
        let mut pinning = CorePinning::begin()?;
        pinning.keep_store(&data)?;
        let server = TestServer::start_under(pinning.server(), &data, &[]);
        server.wait_until_ready();
        let client = server.client();
        register(&client, "bearer")?;
        for place in &ENDPOINTS {
            let mut one = at(place, &server, &client, &pinning, bench, store).await?;
            one.notes.push(pinning.described().to_owned());
            measured.push(one);
        }
    }
    Ok(measured)
}

async fn at(
    place: &Endpoint,
    server: &TestServer,
    client: &Client,
    pinning: &CorePinning,
    bench: &Bench,
    store: Store,
) -> Result<Measured> {
    let token = client.post(place.log_in, r#"{"email":"bearer","password":"P@ssw0rd!"}"#).member(place.token);
    let body = client.get(place.path, Some(&token)).body;
    let mut limiting = Limit::start(pinning.server(), &["bearer", &published_key(client)?, &body])?;
    let base = limiting.line()?;
    let id = format!("{}-{}", place.id, store.id());
    let clients = vec![SameRequest(get(place.path, &token)); CONNECTIONS];
    let limit = async || Ok(closed(&base, clients.clone(), bench.warm_up, bench.run).await?.per_second());
    let ours = async || {
        let load = closed(server.base(), clients.clone(), bench.warm_up, bench.run);
        Ok(rate(&measure_load(&id, server, bench, load).await?))
    };
    let rounds = bench.pairs(&format!("{}, {store}", place.path), limit, ours).await?;
    Ok(Measured {
        id: id.clone(),
        name: format!("`{}`, {store}", place.path),
        unit: "requests/s".to_owned(),
        better: Better::Higher,
        goal: Some(Goal::Ratio(0.90)),
        limit:
            "a bare actix-web handler that verifies the signature of the same token and answers the same body"
                .to_owned(),
        rounds,
        notes: vec![format!(
            "{CONNECTIONS} connections in a closed loop, all with one token. The bare server looks at no claim, no session \
             and no user, logs nothing and adds no header of security; ours does."
        )],
    })
}
