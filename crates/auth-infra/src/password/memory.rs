//! The memory that hashes are computed in.

use std::collections::TryReserveError;
use std::sync::{Arc, Mutex, PoisonError};

use super::argon2_hash::Recipe;
use super::engine::{Arena, Engine};
use super::stored::HashingFault;

/// One worker's memory: its share is taken once and kept, because fresh pages can cost more time than the hash
/// itself (of 46 MiB and one pass: 46 ms instead of 17); what a bigger hash needs is given back at once.
///
/// What a hash leaves behind is worth protecting: in the first pass block `j` is made by `j` compressions, so that
/// after a hash of one pass the first blocks are as good to a guesser as a fast hash of the password. So the
/// [`Arena`] is cleared after each.
pub(super) struct Memory {
    arena: Arena,
    /// How many blocks are kept.
    share: usize,
    /// Held by the one worker, of all, that computes a hash beyond its share.
    beyond_share: Arc<Mutex<()>>,
}

impl Memory {
    pub(super) fn new(engine: Engine, share: usize, beyond_share: Arc<Mutex<()>>) -> Self {
        Self { arena: engine.arena(), share, beyond_share }
    }

    /// Computes a tag of Argon2.
    ///
    /// A stored hash may ask for up to a GiB. If as many were computed at a time as there are workers, a handful of
    /// imported users could take all the memory of the machine: so those beyond the share go one at a time.
    ///
    /// # Errors
    /// When the machine has no such memory, or the recipe is none of Argon2.
    pub(super) fn compute(
        &mut self,
        recipe: &Recipe,
        password: &[u8],
        tag: &mut [u8],
    ) -> Result<(), HashingFault> {
        if recipe.params.block_count() <= self.share {
            return self.arena.compute(recipe, password, tag);
        }
        let turn = Arc::clone(&self.beyond_share);
        let _alone = turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.give_back();
        let computed = self.arena.compute(recipe, password, tag);
        self.give_back();
        computed
    }

    /// Has a computation run that takes `bytes` of its own, alone among those of all workers, as those beyond the share.
    ///
    /// # Errors
    /// When the machine has no such memory.
    pub(super) fn alone<R>(&self, bytes: usize, compute: impl FnOnce() -> R) -> Result<R, TryReserveError> {
        let _alone = self.beyond_share.lock().unwrap_or_else(PoisonError::into_inner);
        // What finds no memory by itself ends the process: so it is looked for here first.
        Vec::<u8>::new().try_reserve_exact(bytes)?;
        Ok(compute())
    }

    /// Clears the memory and gives it back to the system.
    pub(super) fn give_back(&mut self) {
        self.arena.give_back();
    }

    /// How many blocks it has now.
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

    fn compute(memory: &mut Memory, blocks: u32) -> Result<(), HashingFault> {
        let params = Params::new(blocks, 1, 1, None).expect("parameters");
        let recipe = Recipe::new(params, Salt::new(&[7; 16]).expect("a salt"));
        memory.compute(&recipe, b"password", &mut [0; 32])
    }

    #[test]
    fn the_share_is_kept_and_what_a_bigger_hash_took_is_given_back() {
        for engine in [Engine::Simd, Engine::Portable] {
            let mut memory = Memory::new(engine, 64, Arc::default());
            assert_eq!(memory.blocks(), 0, "nothing is taken before the first hash");
            for (blocks, kept) in [(64, 64), (32, 64), (4_096, 0), (68, 0), (64, 64)] {
                compute(&mut memory, blocks).expect("computed");
                assert_eq!(memory.blocks(), kept, "{engine:?} after {blocks}");
            }
        }
    }

    #[test]
    fn more_than_the_machine_has_is_an_error_and_not_the_end() {
        let memory = Memory::new(Engine::Simd, 8, Arc::default());
        assert!(memory.alone(usize::MAX / 4, || ()).is_err());
        assert!(memory.alone(8, || ()).is_ok());
    }

    #[test]
    fn only_one_hash_at_a_time_is_bigger_than_its_share() {
        let turn = Arc::<Mutex<()>>::default();
        let taken = turn.lock().expect("a turn");
        let (done, is_done) = mpsc::channel();
        let mut memory = Memory::new(Engine::Simd, 8, Arc::clone(&turn));
        let the_same = Arc::clone(&turn);
        let worker = thread::spawn(move || {
            for blocks in [8, 12] {
                compute(&mut memory, blocks).expect("computed");
                done.send(blocks).expect("the test waits");
            }
            let alone = memory.alone(9, || the_same.try_lock().is_err());
            assert!(alone.expect("memory"), "another worker would have to wait");
        });
        assert_eq!(is_done.recv(), Ok(8), "within the share nobody waits");
        assert!(is_done.recv_timeout(Duration::from_millis(50)).is_err(), "beyond it everybody does");
        drop(taken);
        assert_eq!(is_done.recv(), Ok(12));
        worker.join().expect("done");
    }
}
