//! The record store and how it runs transactions.

use std::fmt;
use std::sync::Arc;

use futures_channel::oneshot;

use super::key_value_store::{KeyValueStore, ReadTransaction, WriteTransaction};
use super::{rows, users};
use crate::model::UserId;
use crate::ports::{BoxError, PortError};

/// A call of a key-value store, which blocks its thread until it is done. If it is dropped instead, the call that waits for it
/// fails with [`PortError::Unavailable`].
pub type BlockingCall = Box<dyn FnOnce() + Send>;

/// Stores users, sessions, API keys and audit events in a key-value store, and fulfils the contracts of the five ports. See
/// the [module](super) for an example.
///
/// A clone uses the same store.
pub struct RecordStore<S> {
    store: Arc<S>,
    pool: Option<Arc<dyn Fn(BlockingCall) + Send + Sync>>,
}

impl<S: KeyValueStore> RecordStore<S> {
    /// Stores records in `store`. Each call blocks the thread that polls it, so that the store should be fast: in memory, or
    /// for tests. Otherwise add [`with_blocking_pool`](Self::with_blocking_pool).
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), pool: None }
    }

    /// Runs all calls but [`session_state`](crate::ports::RevocationFeed::session_state) with `spawn`, on threads that may
    /// block. With tokio and actix-web, `spawn` is `|call| drop(tokio::task::spawn_blocking(call))`.
    ///
    /// A call whose future is dropped continues.
    #[must_use]
    pub fn with_blocking_pool(self, spawn: impl Fn(BlockingCall) + Send + Sync + 'static) -> Self {
        Self { pool: Some(Arc::new(spawn)), ..self }
    }

    /// Returns the key-value store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }
}

impl<S: KeyValueStore + 'static> RecordStore<S> {
    /// Marks the e-mail address of a user as verified. Returns `false` when there is no such user.
    ///
    /// # Errors
    /// [`PortError`] when the store fails. Nothing has changed then.
    pub async fn verify_email(&self, user: UserId) -> Result<bool, PortError> {
        self.write(move |tx| users::verify_email(tx, user)).await
    }

    /// Runs `body` in a transaction that reads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        body: impl Fn(&dyn ReadTransaction) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        self.call(move |store| {
            let mut result = None;
            store.read(&mut |tx| {
                result = Some(body(tx)?);
                Ok(())
            })?;
            result.ok_or_else(|| rows::corrupt("the key-value store has not run the transaction"))
        })
        .await
    }

    /// Runs `body` in a transaction that writes, and returns the result of the run that was committed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        body: impl Fn(&mut dyn WriteTransaction) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        self.call(move |store| {
            let mut result = None;
            store.write(&mut |tx| {
                result = Some(body(tx)?);
                Ok(())
            })?;
            result.ok_or_else(|| rows::corrupt("the key-value store has not run the transaction"))
        })
        .await
    }

    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&S) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let Some(spawn) = &self.pool else { return call(&self.store) };
        let (sender, receiver) = oneshot::channel();
        let store = Arc::clone(&self.store);
        spawn(Box::new(move || {
            let result = call(&store);
            // Before the caller continues: it may drop the store, and open its file again.
            drop(store);
            // The receiver is gone when the future of the call was dropped.
            let _ = sender.send(result);
        }));
        let dropped = |_| PortError::Unavailable(BoxError::from("the blocking pool has dropped the call"));
        receiver.await.map_err(dropped)?
    }
}

impl<S> Clone for RecordStore<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), pool: self.pool.clone() }
    }
}

/// Writes no record, because records contain hashes of passwords.
impl<S> fmt::Debug for RecordStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordStore").finish_non_exhaustive()
    }
}
