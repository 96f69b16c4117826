//! The memory that hashes are computed in.

use std::collections::TryReserveError;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Block;
use zeroize::Zeroize;

/// One worker's memory: its share is taken once and kept, because fresh pages can cost more time than the hash
/// itself (of 46 MiB and one pass: 46 ms instead of 17); what a bigger hash needs is given back at once.
///
/// What a hash leaves behind is worth protecting: in the first pass block `j` is made by `j` compressions, so that
/// after a hash of one pass the first blocks are as good to a guesser as a fast hash of the password. To clear it
/// takes 4 % of the time of a hash, so it is done when that costs nobody anything: before the worker waits for work.
/// As long as there is work, the next hash overwrites what the last one left.
pub(super) struct Memory {
    blocks: Vec<Block>,
    /// How many blocks are kept.
    share: usize,
    /// How many blocks, from the first, a hash has left something in.
    used: usize,
    /// Held by the one worker, of all, that computes a hash beyond its share.
    beyond_share: Arc<Mutex<()>>,
}

impl Memory {
    pub(super) fn new(share: usize, beyond_share: Arc<Mutex<()>>) -> Self {
        Self { blocks: Vec::new(), share, used: 0, beyond_share }
    }

    /// Lends `count` blocks, with no particular content.
    ///
    /// A stored hash may ask for up to a GiB. If as many were computed at a time as there are workers, a handful of
    /// imported users could take all the memory of the machine: so those beyond the share go one at a time.
    ///
    /// # Errors
    /// When the machine has no such memory.
    pub(super) fn lend<R>(
        &mut self,
        count: usize,
        compute: impl FnOnce(&mut [Block]) -> R,
    ) -> Result<R, TryReserveError> {
        if count <= self.share {
            self.grow(self.share)?;
            self.used = self.used.max(count);
            return Ok(compute(&mut self.blocks[..count]));
        }
        let turn = Arc::clone(&self.beyond_share);
        let _alone = turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.give_back();
        self.grow(count)?;
        self.used = count;
        let answer = compute(&mut self.blocks);
        self.give_back();
        Ok(answer)
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

    /// Whether a hash has left something in it.
    pub(super) fn is_used(&self) -> bool {
        self.used > 0
    }

    /// Clears what hashes have left.
    pub(super) fn clear(&mut self) {
        self.blocks[..self.used].iter_mut().zeroize();
        self.used = 0;
    }

    /// Clears the memory and gives it back to the system.
    pub(super) fn give_back(&mut self) {
        self.clear();
        self.blocks = Vec::new();
    }

    fn grow(&mut self, count: usize) -> Result<(), TryReserveError> {
        if let Some(missing) = count.checked_sub(self.blocks.len()).filter(|missing| *missing > 0) {
            // Not `vec!`, which ends the process when there is no memory.
            self.blocks.try_reserve_exact(missing)?;
            self.blocks.resize(count, Block::new());
        }
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(share: usize) -> Memory {
        Memory::new(share, Arc::default())
    }

    fn scribble(blocks: &mut [Block]) {
        for block in blocks {
            block.as_mut().fill(u64::MAX);
        }
    }

    fn is_clear(memory: &Memory) -> bool {
        memory.blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0))
    }

    #[test]
    fn nothing_is_taken_before_the_first_hash() {
        assert_eq!(memory(1_000).blocks.capacity(), 0);
    }

    #[test]
    fn the_share_is_kept_from_hash_to_hash() {
        let mut memory = memory(64);
        let first = memory.lend(64, |blocks| blocks.as_ptr()).expect("memory");
        let second = memory.lend(32, |blocks| (blocks.as_ptr(), blocks.len())).expect("memory");
        assert_eq!(second, (first, 32));
    }

    #[test]
    fn what_a_bigger_hash_took_is_given_back() {
        let mut memory = memory(8);
        memory.lend(4_096, scribble).expect("memory");
        assert_eq!((memory.blocks.capacity(), memory.is_used()), (0, false));
        assert_eq!(memory.lend(8, |blocks| blocks.len()).expect("memory"), 8);
        assert_eq!(memory.blocks.capacity(), 8);
    }

    #[test]
    fn what_hashes_left_is_cleared() {
        let mut memory = memory(8);
        memory.lend(8, scribble).expect("memory");
        memory.lend(2, scribble).expect("memory");
        assert!(memory.is_used() && !is_clear(&memory));
        memory.clear();
        assert!(!memory.is_used() && is_clear(&memory));
    }

    #[test]
    fn more_than_the_machine_has_is_an_error_and_not_the_end() {
        let mut memory = memory(8);
        assert!(memory.lend(usize::MAX / 2_048, |_| ()).is_err());
        assert!(memory.alone(usize::MAX / 4, || ()).is_err());
        assert!(memory.lend(8, scribble).is_ok());
    }

    #[test]
    fn only_one_hash_at_a_time_is_bigger_than_its_share() {
        let turn = Arc::<Mutex<()>>::default();
        let mut memory = Memory::new(8, Arc::clone(&turn));
        memory
            .lend(9, |_| assert!(turn.try_lock().is_err(), "another worker would have to wait"))
            .expect("memory");
        memory
            .lend(8, |_| assert!(turn.try_lock().is_ok(), "within the share nobody waits"))
            .expect("memory");
        memory
            .alone(9, || assert!(turn.try_lock().is_err(), "another worker would have to wait"))
            .expect("memory");
    }
}
