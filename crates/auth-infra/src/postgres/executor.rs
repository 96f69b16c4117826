//! The thread on which batches execute.

use std::future::Future;

use tokio::runtime::{self, Runtime};

use crate::sql::StoreError;

pub(super) struct Executor(Option<Runtime>);

impl Executor {
    pub(super) fn start() -> Result<Self, StoreError> {
        runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| StoreError::thread("PostgreSQL", &error))
    }

    pub(super) fn spawn(&self, run: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(run);
        }
    }
}

impl Drop for Executor {
    /// Does not wait for the thread, because this may be called on that very thread.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
