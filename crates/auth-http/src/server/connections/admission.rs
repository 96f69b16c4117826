//! Which connections are served: a limit for each client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auth_domain::model::ClientAddress;

use crate::origin::TrustedProxies;

/// The part of all connections that one address may have by default.
const DEFAULT_PART: usize = 10;
/// Connections that one address may always have by default.
const DEFAULT_MINIMUM: usize = 64;
/// The part of all connections that neither the proxies nor an address without a limit of its own may use. It is left to
/// callers that connect directly, such as health checks.
const RESERVED_PART: usize = 8;
/// The part of the free connections that one address may have while more than half of all connections are open.
const CROWDED_PART: usize = 8;
/// Surplus connections of one address: those beyond its limit, and those while few are free.
const SURPLUS: usize = 4;
/// The part of all connections that is left for surplus connections of addresses below their limits.
const SURPLUS_PART: usize = 32;
/// The part of all connections that surplus connections of other addresses leave free.
const FREE_PART: usize = 10;
/// The shortest time between two log lines about refused connections.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The limit of connections for one client address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum AddressLimit {
    /// No limit but the connections that are reserved for others. For load tests.
    Off,
    /// A tenth of all connections, at least 64.
    Default,
    Connections(usize),
}

/// Admits connections, for all workers together.
#[derive(Debug)]
pub(super) struct Admissions {
    total: usize,
    limit: AddressLimit,
    proxies: TrustedProxies,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    total: usize,
    by_client: HashMap<Client, ClientConnections>,
    refused: u64,
    logged: Option<Instant>,
}

/// A client as the limit counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    /// All trusted proxies, whose connections are those of many clients.
    Proxies,
    Network(IpAddr),
}

#[derive(Clone, Copy, Debug, Default)]
struct ClientConnections {
    regular: usize,
    surplus: usize,
}

/// The permission to keep a connection open, until it is dropped.
#[derive(Debug)]
pub(super) struct Admission {
    admissions: Arc<Admissions>,
    client: Client,
    is_surplus: bool,
}

impl Admissions {
    pub(super) fn new(total: usize, limit: AddressLimit, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { total, limit, proxies, open: Mutex::default() })
    }

    /// Admits a connection from `address`, or returns `None` if the client has too many.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admission> {
        let client = self.client(address);
        let mut open = self.lock();
        let free = self.total.saturating_sub(open.total);
        let limit = self.limit_of(client, free);
        let connections = open.by_client.entry(client).or_default();
        let exceeds_limit = connections.regular >= limit;
        let is_surplus = exceeds_limit || free <= self.total / SURPLUS_PART;
        let is_short = exceeds_limit && free <= self.total / FREE_PART;
        if is_surplus && (is_short || connections.surplus >= SURPLUS) {
            open.log_refusal(address, limit);
            return None;
        }
        *connections.count(is_surplus) += 1;
        open.total += 1;
        Some(Admission { admissions: Arc::clone(self), client, is_surplus })
    }

    fn client(&self, address: IpAddr) -> Client {
        if self.proxies.contains(address) {
            Client::Proxies
        } else {
            Client::Network(ClientAddress::from(address).network())
        }
    }

    fn limit_of(&self, client: Client, free: usize) -> usize {
        let most = (self.total - self.total / RESERVED_PART).max(1);
        let limit = match (client, self.limit) {
            (Client::Proxies, _) | (_, AddressLimit::Off) => return most,
            (_, AddressLimit::Default) => (self.total / DEFAULT_PART).max(DEFAULT_MINIMUM),
            (_, AddressLimit::Connections(limit)) => limit,
        };
        let is_crowded = free < self.total / 2;
        let share = if is_crowded { (free / CROWDED_PART).max(1) } else { most };
        limit.min(share)
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        // The counts are consistent after a panic, because nothing can panic between two changes of them.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnections {
    fn log_refusal(&mut self, address: IpAddr, limit: usize) {
        self.refused += 1;
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL) {
            let refused = std::mem::take(&mut self.refused);
            self.logged = Some(Instant::now());
            tracing::warn!(%address, limit, refused, "connections refused: too many from one address");
        }
    }
}

impl ClientConnections {
    fn count(&mut self, is_surplus: bool) -> &mut usize {
        if is_surplus { &mut self.surplus } else { &mut self.regular }
    }
}

impl Admission {
    /// Whether the client has reached its limit, or few connections are free, so that this one is for a health check only.
    pub(super) fn is_surplus(&self) -> bool {
        self.is_surplus
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut open = self.admissions.lock();
        open.total = open.total.saturating_sub(1);
        if let Some(connections) = open.by_client.get_mut(&self.client) {
            let count = connections.count(self.is_surplus);
            *count = count.saturating_sub(1);
            if connections.regular + connections.surplus == 0 {
                open.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admissions(total: usize, limit: AddressLimit) -> Arc<Admissions> {
        Admissions::new(total, limit, TrustedProxies::parse("10.0.0.0/8").expect("a list"))
    }

    /// Opens `count` connections, and returns those that were admitted, first the regular ones.
    fn open(admissions: &Arc<Admissions>, address: &str, count: usize) -> (Vec<Admission>, Vec<Admission>) {
        let address = address.parse().expect("an address");
        let admitted = (0..count).filter_map(|_| admissions.admit(address));
        admitted.partition(|admission| !admission.is_surplus())
    }

    #[test]
    fn an_address_has_a_tenth_of_all_connections() {
        for (total, limit, expected) in [
            (924, AddressLimit::Default, 92),
            (20_000, AddressLimit::Default, 2_000),
            (400, AddressLimit::Default, 64),
            (924, AddressLimit::Connections(7), 7),
            (924, AddressLimit::Off, 809),
            (4, AddressLimit::Default, 3),
        ] {
            let admissions = admissions(total, limit);
            let (regular, surplus) = open(&admissions, "192.0.2.1", total);
            assert_eq!(regular.len(), expected, "{total} {limit:?}");
            assert!(surplus.len() <= SURPLUS, "{}", surplus.len());
            assert!(admissions.admit("192.0.2.2".parse().expect("an address")).is_some());
        }
    }

    #[test]
    fn closed_connections_do_not_count() {
        let admissions = admissions(924, AddressLimit::Connections(3));
        for _ in 0..10 {
            assert_eq!(open(&admissions, "192.0.2.1", 9).0.len(), 3);
        }
        assert!(admissions.lock().by_client.is_empty());
        assert_eq!(admissions.lock().total, 0);
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_client() {
        let admissions = admissions(924, AddressLimit::Connections(1));
        let _first = open(&admissions, "2001:db8::1", 1);
        assert!(open(&admissions, "2001:db8::ffff:1", 1).0.is_empty());
        assert_eq!(open(&admissions, "2001:db8:0:1::1", 1).0.len(), 1);
        let _mapped = open(&admissions, "::ffff:192.0.2.1", 1);
        for same in ["192.0.2.1", "64:ff9b::192.0.2.1", "2002:c000:201::1"] {
            assert!(open(&admissions, same, 1).0.is_empty(), "{same}");
        }
    }

    #[test]
    fn proxies_leave_connections_to_others() {
        let admissions = admissions(800, AddressLimit::Default);
        let (first, _) = open(&admissions, "10.0.0.1", 600);
        let (second, _) = open(&admissions, "10.0.0.2", 600);
        assert_eq!((first.len(), second.len()), (600, 100));
        assert_eq!(open(&admissions, "192.0.2.1", 1).0.len(), 1);
    }

    #[test]
    fn health_checks_are_admitted_when_no_other_connection_is_free() {
        let admissions = admissions(924, AddressLimit::Default);
        let open_from = |number: u32| admissions.admit(IpAddr::V4((0xc000_0200 + number).into()));
        let held: Vec<_> =
            (0..2_000).map_while(|number| open_from(number).filter(|one| !one.is_surplus())).collect();
        assert_eq!(held.len(), 924 - 924 / SURPLUS_PART);
        // An answered surplus connection is closed, so those of 2,000 further addresses are all admitted.
        for number in 10_000..12_000 {
            assert!(open_from(number).is_some_and(|admission| admission.is_surplus()), "{number}");
        }
    }

    #[test]
    fn a_new_address_is_admitted_while_many_others_crowd() {
        for total in [155, 924, 20_000] {
            for addresses in [20, 100] {
                let admissions = admissions(total, AddressLimit::Default);
                let mut held = Vec::new();
                for _ in 0..2 * total / addresses {
                    for number in 0..addresses {
                        held.push(open(&admissions, &format!("192.0.2.{number}"), 1));
                    }
                }
                let open_now = admissions.lock().total;
                assert!(open_now < total, "{open_now} of {total} by {addresses} addresses");
                assert_eq!(open(&admissions, "198.51.100.1", 1).0.len(), 1, "{total} {addresses}");
            }
        }
    }
}
