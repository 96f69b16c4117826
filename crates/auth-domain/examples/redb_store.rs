//! A store on [redb](https://docs.rs/redb), an embedded key-value store in one file: the adapter, and a program that uses it.
//!
//! ```text
//! cargo run -p auth-domain --example redb_store --features testing
//! ```

use std::io::{self, Write as _};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use auth_domain::model::{
    Caller, Client, ClientId, Identifiers, Password, PasswordAttempt, RefreshStyle, Username,
};
use auth_domain::ports::PortError;
use auth_domain::records::{
    Entry, KeyValueStore, ReadBody, ReadTransaction, RecordStore, Table, WriteBody, WriteTransaction,
};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{LogIn, RefreshSession, Register};
use auth_domain::{Auth, Ports};
use redb::{AccessGuard, Database, ReadableDatabase as _, ReadableTable, TableDefinition};

/// The adapter, from here to the demonstration.
pub(crate) struct Redb(Database);

struct Reading(redb::ReadTransaction);

struct Writing(redb::WriteTransaction);

impl Redb {
    /// Opens the file, and creates it with all tables if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Self, PortError> {
        let database = Database::create(path).map_err(port_error)?;
        let transaction = database.begin_write().map_err(port_error)?;
        for table in Table::ALL {
            transaction.open_table(definition(*table)).map_err(port_error)?;
        }
        transaction.commit().map_err(port_error)?;
        Ok(Self(database))
    }
}

fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table.name())
}

fn port_error(error: impl Into<redb::Error>) -> PortError {
    match error.into() {
        corrupted @ redb::Error::Corrupted(_) => PortError::Corrupt(Box::new(corrupted)),
        other => PortError::Unavailable(Box::new(other)),
    }
}

impl KeyValueStore for Redb {
    fn read(&self, body: &mut ReadBody<'_>) -> Result<(), PortError> {
        body(&Reading(self.0.begin_read().map_err(port_error)?))
    }

    fn write(&self, body: &mut WriteBody<'_>) -> Result<(), PortError> {
        let mut transaction = Writing(self.0.begin_write().map_err(port_error)?);
        body(&mut transaction)?; // a transaction that is dropped is rolled back
        transaction.0.commit().map_err(port_error)
    }
}

type Bytes = &'static [u8];

fn get(table: &impl ReadableTable<Bytes, Bytes>, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
    Ok(table.get(key).map_err(port_error)?.map(|value| value.value().to_vec()))
}

fn scan(
    table: &impl ReadableTable<Bytes, Bytes>,
    keys: Range<&[u8]>,
    limit: usize,
) -> Result<Vec<Entry>, PortError> {
    let entries = table.range::<&[u8]>(keys).map_err(port_error)?.take(limit);
    let owned = |(key, value): (AccessGuard<'_, Bytes>, AccessGuard<'_, Bytes>)| {
        (key.value().to_vec(), value.value().to_vec())
    };
    entries.map(|entry| entry.map(owned).map_err(port_error)).collect()
}

impl ReadTransaction for Reading {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        get(&self.0.open_table(definition(table)).map_err(port_error)?, key)
    }

    fn scan(&self, table: Table, keys: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>, PortError> {
        scan(&self.0.open_table(definition(table)).map_err(port_error)?, keys, limit)
    }
}

impl ReadTransaction for Writing {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        get(&self.0.open_table(definition(table)).map_err(port_error)?, key)
    }

    fn scan(&self, table: Table, keys: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>, PortError> {
        scan(&self.0.open_table(definition(table)).map_err(port_error)?, keys, limit)
    }
}

impl WriteTransaction for Writing {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), PortError> {
        let mut table = self.0.open_table(definition(table)).map_err(port_error)?;
        table.insert(key, value).map(drop).map_err(port_error)
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), PortError> {
        let mut table = self.0.open_table(definition(table)).map_err(port_error)?;
        table.remove(key).map(drop).map_err(port_error)
    }
}

/// The demonstration: a session outlives the process that opened it.
#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("auth.redb");
    let others = TestPorts::new(); // the other ports: a hasher, tokens, a clock, ..
    let client = Client::new(ClientId::from_static("web"), RefreshStyle::Rotating);

    let caller = Caller::at([192, 0, 2, 1]); // the address of the client
    let root = open(&file, &others)?;
    let auth = root.called_by(caller.clone());
    let identifiers = Identifiers::from(Username::parse("jane")?);
    auth.register(Register::new(identifiers, Password::parse("correct horse battery staple")?)).await?;
    let password = PasswordAttempt::new("correct horse battery staple");
    let login = auth.log_in(LogIn::new(&client, "jane", password)).await?;
    drop((auth, root)); // the process ends

    let auth = open(&file, &others)?.called_by(caller); // and starts again
    let token = login.refresh_token.ok_or("a rotating client gets a refresh token")?;
    let refreshed = auth.refresh_session(RefreshSession::new(&client, token.expose())).await?;
    let identity = auth.authenticate(refreshed.access_token.expose()).await?;
    writeln!(io::stdout(), "{} is still logged in", identity.user_id)?;
    Ok(())
}

/// Opens the store, and puts it into the ports.
fn open(file: &Path, others: &TestPorts) -> Result<Auth, PortError> {
    let store = RecordStore::new(Redb::open(file)?)
        .with_blocking_pool(|call| drop(tokio::task::spawn_blocking(call)));
    let store = Arc::new(store);
    let ports = Ports {
        users: store.clone(),
        sessions: store.clone(),
        revocations: store.clone(),
        api_keys: store.clone(),
        audit_events: store,
        ..others.ports() // the log of audit events is that of the tests
    };
    Ok(Auth::new(ports, auth_domain::policy::Policy::default()))
}
