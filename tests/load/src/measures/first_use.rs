//! Requests per second with access tokens that the service has never seen, compared with a bare server that verifies the same
//! number of tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use e2e::TestServer;

use crate::bench::{Bench, Store};
use crate::client::{CycledRequests, LoadClient, closed, get};
use crate::cores::CorePinning;
use crate::limits::Limit;
use crate::measure::{Better, Goal, Measured};
use crate::measures::{measure_load, published_key, rate, register};
use crate::token_maker::TokenMaker;

const CONNECTIONS: usize = 32;
/// The path, whose answer reads nothing from the store: the bare server reads nothing either.
const PATH: &str = "/v1/protected/resource";
/// The tokens of the limit, which has no cache and uses them again and again.
const LIMIT_TOKENS: usize = 16 * CONNECTIONS;
/// How many tokens are made for each one that the service uses if it is as fast as its limit.
const SPARE: f64 = 1.5;

/// Measures both stores.
///
/// # Errors
/// If an answer is not 200.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for store in Store::ALL {
        measured.push(on(store, bench).await?);
    }
    Ok(measured)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number below 2^32")]
async fn on(store: Store, bench: &Bench) -> Result<Measured> {
    let data = store.test_data()?;
    let mut pinning = CorePinning::begin()?;
    pinning.keep_store(&data)?;
    let server = TestServer::start_under(pinning.server(), &data, &[]);
    server.wait_until_ready();
    let client = server.client();
    register(&client, "bearer")?;
    let token = client.log_in("bearer").member("acc_token");
    let body = client.open(&token).body;
    let maker = TokenMaker::open(&data, &token)?;
    let mut limiting = Limit::start(pinning.server(), &["bearer", &published_key(&client)?, &body])?;
    let base = limiting.line()?;
    let requests: Vec<_> = maker.make(LIMIT_TOKENS)?.iter().map(|token| get(PATH, token)).collect();
    let cycles = requests.chunks(LIMIT_TOKENS / CONNECTIONS).map(|part| CycledRequests::of(part.to_vec()));
    let cycles: Vec<_> = cycles.collect();
    let id = format!("first-use-{}", store.id());
    // The number of tokens that the limit has shown to be enough.
    let needed = AtomicUsize::new(0);
    let limit = async || {
        let stats = closed(&base, cycles.clone(), bench.warm_up, bench.run).await?;
        let used = stats.per_second() * (bench.warm_up + bench.run).as_secs_f64();
        needed.store((SPARE * used) as usize + CONNECTIONS, Ordering::Relaxed);
        Ok(stats.per_second())
    };
    let ours = async || {
        let tokens = Tokens::new(maker.make(needed.load(Ordering::Relaxed))?);
        let clients = (0..CONNECTIONS).map(|_| FirstUse { tokens: Arc::clone(&tokens), request: Vec::new() });
        let load = closed(server.base(), clients, bench.warm_up, bench.run);
        Ok(rate(&measure_load(&id, &server, bench, load).await?))
    };
    let rounds = bench.pairs(&format!("first use of tokens, {store}"), limit, ours).await?;
    Ok(Measured {
        id: id.clone(),
        name: format!("`{PATH}`, each token used once, {store}"),
        unit: "requests/s".to_owned(),
        better: Better::Higher,
        goal: Some(Goal::Ratio(0.85)),
        limit: "a bare actix-web handler that verifies the signature of each token and answers the same body"
            .to_owned(),
        rounds,
        notes: vec![
            format!(
                "{CONNECTIONS} connections in a closed loop. No token is presented twice to the service, so its cache of verified tokens \
                 never helps. The tokens are signed in advance with the key of the server, and differ in their ids only. The \
                 bare server has no cache. It looks at no claim, no session and no user, logs nothing and adds no security \
                 headers; ours does."
            ),
            pinning.described().to_owned(),
        ],
    })
}

/// The tokens that all connections use up.
struct Tokens {
    all: Vec<String>,
    next: AtomicUsize,
}

impl Tokens {
    fn new(all: Vec<String>) -> Arc<Self> {
        Arc::new(Self { all, next: AtomicUsize::new(0) })
    }

    /// Returns a token that was not used. When there is none left, the text is no token, which fails the run.
    fn take(&self) -> &str {
        self.all.get(self.next.fetch_add(1, Ordering::Relaxed)).map_or("no-token-left", String::as_str)
    }
}

/// A connection that never presents a token again.
struct FirstUse {
    tokens: Arc<Tokens>,
    request: Vec<u8>,
}

impl LoadClient for FirstUse {
    fn request(&mut self) -> &[u8] {
        self.request = get(PATH, self.tokens.take());
        &self.request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_used_twice() {
        let tokens = Tokens::new(vec!["a".to_owned(), "b".to_owned()]);
        let mut clients = [0, 1].map(|_| FirstUse { tokens: Arc::clone(&tokens), request: Vec::new() });
        assert_eq!(clients[0].request(), get(PATH, "a"));
        assert_eq!(clients[1].request(), get(PATH, "b"));
        assert_eq!(clients[0].request(), get(PATH, "no-token-left"));
    }
}
