//! A queue that callers share fairly.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Names an item of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// A bounded queue of items that belong to keys. The keys take turns: each turn serves the oldest item of one key, however
/// many items the other keys have. When the queue is full, the key with the most items gives way.
pub(super) struct FairQueue<K, T> {
    /// The items of each key that has any, oldest first.
    shares: HashMap<K, VecDeque<(Ticket, T)>>,
    /// The keys that have items, in the order of their turns.
    turns: VecDeque<K>,
    length: usize,
    capacity: usize,
    next_ticket: u64,
}

impl<K: Clone + Eq + Hash, T> FairQueue<K, T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { shares: HashMap::new(), turns: VecDeque::new(), length: 0, capacity, next_ticket: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Adds an item. A full queue gives up the newest item of the key with the most items, which is returned. If its own
    /// key has as many, `item` is refused instead.
    pub(super) fn push(&mut self, key: K, item: T) -> Result<(Ticket, Option<T>), T> {
        let mut displaced = None;
        if self.length >= self.capacity {
            let own = self.shares.get(&key).map_or(0, VecDeque::len);
            match self.longest_share() {
                Some((longest, length)) if length > own + 1 => displaced = self.pop_newest(&longest),
                _ => return Err(item),
            }
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let share = self.shares.entry(key.clone()).or_default();
        if share.is_empty() {
            self.turns.push_back(key);
        }
        share.push_back((ticket, item));
        self.length += 1;
        Ok((ticket, displaced))
    }

    /// Takes the oldest item of the key whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let key = self.turns.pop_front()?;
        let share = self.shares.get_mut(&key)?;
        let item = share.pop_front();
        if share.is_empty() {
            self.shares.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        let (_, item) = item?;
        self.length -= 1;
        Some(item)
    }

    /// Removes an item that still waits.
    pub(super) fn remove(&mut self, key: &K, ticket: Ticket) -> Option<T> {
        let share = self.shares.get_mut(key)?;
        let index = share.iter().position(|(of, _)| *of == ticket)?;
        let (_, item) = share.remove(index)?;
        self.removed_one_of(key);
        Some(item)
    }

    /// Removes every item.
    pub(super) fn take_all(&mut self) -> Vec<T> {
        self.turns.clear();
        self.length = 0;
        std::mem::take(&mut self.shares).into_values().flatten().map(|(_, item)| item).collect()
    }

    fn longest_share(&self) -> Option<(K, usize)> {
        let lengths = self.shares.iter().map(|(key, share)| (key, share.len()));
        lengths.max_by_key(|(_, length)| *length).map(|(key, length)| (key.clone(), length))
    }

    fn pop_newest(&mut self, key: &K) -> Option<T> {
        let (_, item) = self.shares.get_mut(key)?.pop_back()?;
        self.removed_one_of(key);
        Some(item)
    }

    fn removed_one_of(&mut self, key: &K) {
        self.length -= 1;
        if self.shares.get(key).is_some_and(VecDeque::is_empty) {
            self.shares.remove(key);
            self.turns.retain(|turn| turn != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(capacity: usize, items: &[(char, u32)]) -> FairQueue<char, u32> {
        let mut queue = FairQueue::new(capacity);
        for (key, item) in items {
            assert!(matches!(queue.push(*key, *item), Ok((_, None))));
        }
        queue
    }

    fn drain(queue: &mut FairQueue<char, u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn one_key_is_served_in_order_of_arrival() {
        assert_eq!(drain(&mut filled(9, &[('a', 1), ('a', 2), ('a', 3)])), [1, 2, 3]);
    }

    #[test]
    fn keys_take_turns_whatever_their_number_of_items() {
        let mut queue = filled(9, &[('a', 1), ('a', 2), ('a', 3), ('b', 11), ('a', 4), ('c', 21), ('b', 12)]);
        assert_eq!(drain(&mut queue), [1, 11, 21, 2, 12, 3, 4]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_newcomer_is_next_after_one_item_of_each_key() {
        let mut queue = filled(200, &[('a', 0); 100]);
        queue.push('b', 1).expect("room");
        assert_eq!([queue.pop(), queue.pop()], [Some(0), Some(1)]);
    }

    #[test]
    fn a_full_queue_displaces_the_newest_item_of_the_longest_share() {
        let mut queue = filled(3, &[('a', 1), ('a', 2), ('a', 3)]);
        assert!(matches!(queue.push('b', 11), Ok((_, Some(3)))));
        assert_eq!(queue.push('a', 4).err(), Some(4), "the longest share itself gets no more room");
        assert_eq!(queue.push('b', 12).err(), Some(12), "nor does a share that would be as long");
        assert!(matches!(queue.push('c', 21), Ok((_, Some(2)))));
        assert_eq!(queue.push('d', 31).err(), Some(31), "no key has more than one item");
        assert_eq!(drain(&mut queue), [1, 11, 21]);
    }

    #[test]
    fn a_removed_item_frees_its_room_and_its_turn() {
        let mut queue = FairQueue::new(2);
        let (first, _) = queue.push('a', 1).expect("room");
        queue.push('b', 11).expect("room");
        assert_eq!(queue.remove(&'a', first), Some(1));
        assert_eq!(queue.remove(&'a', first), None, "it is gone");
        queue.push('a', 2).expect("room again");
        assert_eq!(drain(&mut queue), [11, 2]);
    }

    #[test]
    fn everything_can_be_taken_at_once() {
        let mut queue = filled(9, &[('a', 1), ('b', 11)]);
        assert_eq!(queue.take_all().len(), 2);
        assert_eq!((queue.len(), queue.pop()), (0, None));
    }
}
