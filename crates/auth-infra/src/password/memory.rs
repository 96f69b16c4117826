//! The memory in which hashes are computed.

use std::collections::TryReserveError;
use std::sync::Arc;

use parking_lot::Mutex;

use super::engine::{Arena, Engine};
use super::error::HashingError;
use super::params::Argon2Params;

/// The memory of one worker. Its share is allocated once and kept. Fresh pages can cost more time than the hash
/// itself (46 MiB and one pass: 46 ms instead of 17). The memory of a bigger hash is released at once.
///
/// The [`Arena`] is cleared after each hash. In the first pass block `j` is the result of `j` compressions. After a
/// hash of one pass the first blocks therefore help a guesser as much as a fast hash of the password.
pub(super) struct Memory {
    arena: Arena,
    /// The number of blocks that are kept.
    share: usize,
    /// Held by the one worker of the pool that computes a hash beyond its share.
    oversize_lock: Arc<Mutex<()>>,
}

impl Memory {
    pub(super) fn new(engine: Engine, share: usize, oversize_lock: Arc<Mutex<()>>) -> Self {
        Self { arena: engine.arena(), share, oversize_lock }
    }

    /// Computes an Argon2 tag.
    ///
    /// A stored hash may need up to 1 GiB. If every worker computed such a hash at a time, a handful of imported users
    /// could exhaust the machine's memory. Hashes beyond the share are therefore computed one at a time.
    pub(super) fn compute(
        &mut self,
        params: &Argon2Params,
        password: &[u8],
        tag: &mut [u8],
    ) -> Result<(), HashingError> {
        if params.cost.block_count() <= self.share {
            return self.arena.compute(params, password, tag);
        }
        let oversize_lock = Arc::clone(&self.oversize_lock);
        let _only_one = oversize_lock.lock();
        self.release();
        let computed = self.arena.compute(params, password, tag);
        self.release();
        computed
    }

    /// Runs a computation that allocates `bytes` itself, one at a time like the hashes beyond the share.
    pub(super) fn run_exclusively<R>(
        &self,
        bytes: usize,
        compute: impl FnOnce() -> R,
    ) -> Result<R, TryReserveError> {
        let _only_one = self.oversize_lock.lock();
        // The computation would abort the process if its allocation failed, so the memory is reserved on trial first.
        Vec::<u8>::new().try_reserve_exact(bytes)?;
        Ok(compute())
    }

    /// Clears the memory and returns it to the system.
    pub(super) fn release(&mut self) {
        self.arena.release();
    }

    /// The number of allocated blocks.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> usize {
        self.arena.blocks()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use argon2::Params;
    use argon2::password_hash::phc::Salt;

    use super::*;

    fn compute(memory: &mut Memory, blocks: u32) -> Result<(), HashingError> {
        let params = Params::new(blocks, 1, 1, None).expect("parameters");
        let params = Argon2Params::new(params, Salt::new(&[7; 16]).expect("a salt"));
        memory.compute(&params, b"password", &mut [0; 32])
    }

    #[test]
    fn the_share_is_kept_and_a_bigger_hash_is_released() {
        for engine in [Engine::Simd, Engine::Portable] {
            let mut memory = Memory::new(engine, 64, Arc::default());
            assert_eq!(memory.blocks(), 0, "nothing is taken before the first hash");
            for (blocks, pending) in [(64, 64), (32, 64), (4_096, 0), (68, 0), (64, 64)] {
                compute(&mut memory, blocks).expect("computed");
                assert_eq!(memory.blocks(), pending, "{engine:?} after {blocks}");
            }
        }
    }

    #[test]
    fn too_much_memory_is_an_error_and_not_an_abort() {
        let memory = Memory::new(Engine::Simd, 8, Arc::default());
        assert!(memory.run_exclusively(usize::MAX / 4, || ()).is_err());
        assert!(memory.run_exclusively(8, || ()).is_ok());
    }

    #[test]
    fn only_one_hash_at_a_time_is_bigger_than_its_share() {
        let turn = Arc::<Mutex<()>>::default();
        let taken = turn.lock();
        let (done, is_done) = mpsc::channel();
        let mut memory = Memory::new(Engine::Simd, 8, Arc::clone(&turn));
        let the_same = Arc::clone(&turn);
        let worker = thread::spawn(move || {
            for blocks in [8, 12] {
                compute(&mut memory, blocks).expect("computed");
                done.send(blocks).expect("the test waits");
            }
            let run_exclusively = memory.run_exclusively(9, || the_same.is_locked());
            assert!(run_exclusively.expect("memory"), "another worker would have to wait");
        });
        assert_eq!(is_done.recv(), Ok(8), "a hash within the share does not wait");
        assert!(is_done.recv_timeout(Duration::from_millis(50)).is_err(), "a hash beyond it does");
        drop(taken);
        assert_eq!(is_done.recv(), Ok(12));
        worker.join().expect("done");
    }
}
