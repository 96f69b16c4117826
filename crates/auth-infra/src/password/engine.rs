//! The two implementations of Argon2. Every tag, of new and of stored hashes, is computed here (ADR 0011).

use argon2::{Algorithm, Argon2, Block, Version};
use argon2_rust::{Hasher, params};
use zeroize::Zeroize;

use super::error::HashingError;
use super::params::Argon2Params;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// `argon2-rust`, with the widest vectors that the processor has. It is used if it agrees with the other engine.
    Simd,
    /// The crate `argon2`, which runs on any processor.
    Portable,
}

impl Engine {
    /// Memory for this engine. Nothing is allocated yet.
    pub(super) fn arena(self) -> Arena {
        match self {
            Self::Simd => {
                let default = argon2_rust::Params::default();
                let argon2 = argon2_rust::Argon2::new(
                    argon2_rust::Algorithm::Argon2id,
                    argon2_rust::Version::V0x13,
                    default,
                );
                Arena::Simd(argon2.hasher())
            }
            Self::Portable => Arena::Portable(Vec::new()),
        }
    }
}

/// The memory of an engine. It grows to the size of the biggest tag and is reused. After each tag it is cleared, so it
/// contains nothing that depends on a password.
pub(super) enum Arena {
    Simd(Hasher),
    Portable(Vec<Block>),
}

impl Arena {
    pub(super) fn compute(
        &mut self,
        params: &Argon2Params,
        password: &[u8],
        tag: &mut [u8],
    ) -> Result<(), HashingError> {
        match self {
            Self::Simd(hasher) => {
                hasher.set_argon2(to_simd(params, tag.len())?);
                hasher.hash_into(password, &params.salt, tag)?;
            }
            Self::Portable(blocks) => {
                let count = params.cost.block_count();
                if let Some(missing) = count.checked_sub(blocks.len()) {
                    // Not `vec!`, which aborts the process if the allocation fails.
                    blocks.try_reserve_exact(missing)?;
                    blocks.resize(count, Block::new());
                }
                let blocks = &mut blocks[..count];
                let argon2 = Argon2::new(params.algorithm, params.version, params.cost.clone());
                let computed =
                    argon2.hash_password_into_with_memory(password, &params.salt, tag, &mut *blocks);
                blocks.iter_mut().zeroize();
                computed?;
            }
        }
        Ok(())
    }

    /// Clears the memory, even after a panic, and returns it to the system.
    pub(super) fn release(&mut self) {
        match self {
            Self::Simd(hasher) => hasher.clear(),
            Self::Portable(blocks) => {
                blocks.zeroize();
                *blocks = Vec::new();
            }
        }
    }

    /// The number of allocated blocks.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> usize {
        match self {
            Self::Simd(hasher) => hasher.reserved_blocks(),
            Self::Portable(blocks) => blocks.capacity(),
        }
    }
}

fn to_simd(params: &Argon2Params, tag_bytes: usize) -> Result<argon2_rust::Argon2, argon2_rust::Error> {
    let algorithm = match params.algorithm {
        Algorithm::Argon2d => argon2_rust::Algorithm::Argon2d,
        Algorithm::Argon2i => argon2_rust::Algorithm::Argon2i,
        Algorithm::Argon2id => argon2_rust::Algorithm::Argon2id,
    };
    let version = match params.version {
        Version::V0x10 => argon2_rust::Version::V0x10,
        Version::V0x13 => argon2_rust::Version::V0x13,
    };
    let params = argon2_rust::Params::builder()
        .memory(params::Memory::kib(params.cost.m_cost().into()))
        .passes(params.cost.t_cost())
        .lanes(params.cost.p_cost())
        .tag_len(params::TagLen::bytes(tag_bytes as u64))
        .build()?;
    Ok(argon2_rust::Argon2::new(algorithm, version, params))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use argon2::password_hash::phc::Salt;
    use argon2::{AssociatedData, Params, ParamsBuilder};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::*;

    /// RFC 9106, section 5: Argon2d, Argon2i and Argon2id. They have a secret and associated data, which no stored hash
    /// has: so the test does not use [`Argon2Params`].
    #[test]
    fn both_engines_compute_the_vectors_of_the_rfc() {
        const TAGS: [(&str, &str); 3] = [
            ("argon2d", "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"),
            ("argon2i", "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8"),
            ("argon2id", "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"),
        ];
        for (name, expected) in TAGS {
            let hex = |tag: [u8; 32]| tag.map(|byte| format!("{byte:02x}")).concat();
            let data = AssociatedData::new(&[4; 12]).expect("data");
            let mut params = ParamsBuilder::new();
            let cost = params.m_cost(32).t_cost(3).p_cost(4).data(data).build().expect("parameters");
            let algorithm = Algorithm::new(name).expect("an algorithm");
            let salt = Salt::new(&[2; 16]).expect("a salt");
            let params = Argon2Params { algorithm, version: Version::V0x13, cost: cost.clone(), salt };

            let mut tag = [0; 32];
            let simd = to_simd(&params, 32).expect("parameters");
            simd.hash_into_with_ad(&[1; 32], &[2; 16], &[3; 8], &[4; 12], &mut tag).expect("a tag");
            assert_eq!(hex(tag), expected, "{name}");

            let mut tag = [0; 32];
            let portable = Argon2::new_with_secret(&[3; 8], algorithm, Version::V0x13, cost);
            let portable = portable.expect("a secret");
            portable.hash_password_into(&[1; 32], &[2; 16], &mut tag).expect("a tag");
            assert_eq!(hex(tag), expected, "{name}");
        }
    }

    /// Generates parameters, a password and the length of a tag. Most inputs are small. Some exceed the 2 MiB from which
    /// the fast engine asks for huge pages, or have more passes and lanes than usual.
    fn input() -> impl Strategy<Value = (Argon2Params, Vec<u8>, usize)> {
        let algorithm =
            prop_oneof![Just(Algorithm::Argon2id), Just(Algorithm::Argon2i), Just(Algorithm::Argon2d),];
        let version = prop_oneof![3 => Just(Version::V0x13), 1 => Just(Version::V0x10)];
        let lanes = prop_oneof![4 => 1_u32..=4, 1 => 5_u32..=16];
        let beyond_least = prop_oneof![6 => 0_u32..=300, 6 => 300_u32..=1_100, 1 => 2_000_u32..=4_300];
        let passes = prop_oneof![8 => 1_u32..=3, 1 => 4_u32..=10];
        let password = prop_oneof![8 => vec(any::<u8>(), 0..=300), 1 => vec(any::<u8>(), 1_000..=5_000)];
        let salt = vec(any::<u8>(), 8..=48);
        let tag = prop_oneof![4 => 10_usize..=64, 1 => 4_usize..=200];
        (algorithm, version, lanes, beyond_least, passes, password, salt, tag).prop_map(
            |(algorithm, version, lanes, beyond_least, passes, password, salt, tag)| {
                let params = Params::new(8 * lanes + beyond_least, passes, lanes, None).expect("parameters");
                let salt = Salt::new(&salt).expect("a salt");
                (Argon2Params { algorithm, version, cost: params, salt }, password, tag)
            },
        )
    }

    #[test]
    fn both_engines_agree_on_random_input_in_used_memory() {
        println!("vectors: {}", argon2_rust::detected_backend());
        let [simd, portable] = [Engine::Simd, Engine::Portable].map(|engine| RefCell::new(engine.arena()));
        let mut runner = TestRunner::default();
        let agree = |(params, password, bytes): (Argon2Params, Vec<u8>, usize)| {
            let [one, other] = [&simd, &portable].map(|arena| {
                let mut tag = vec![0; bytes];
                let computed = arena.borrow_mut().compute(&params, &password, &mut tag);
                computed.map(|()| tag).map_err(|fault| TestCaseError::fail(fault.to_string()))
            });
            prop_assert_eq!(one?, other?);
            Ok(())
        };
        runner.run(&input(), agree).expect("the same tags");
    }

    #[test]
    fn the_memory_is_used_again_and_given_back() {
        let params = |memory_kib| {
            let params = Params::new(memory_kib, 1, 1, None).expect("parameters");
            Argon2Params::new(params, Salt::new(&[7; 16]).expect("a salt"))
        };
        for engine in [Engine::Simd, Engine::Portable] {
            let mut arena = engine.arena();
            assert_eq!(arena.blocks(), 0, "nothing is taken before the first hash");
            for (memory_kib, blocks) in [(16, 16), (3_000, 3_000), (8, 3_000)] {
                arena.compute(&params(memory_kib), b"password", &mut [0; 32]).expect("computed");
                assert_eq!(arena.blocks(), blocks, "{engine:?}");
            }
            arena.release();
            assert_eq!(arena.blocks(), 0, "{engine:?}");
        }
    }

    /// The words of one block, and not where they would be found.
    struct MaskedWords([u64; 8]);

    impl MaskedWords {
        const MASK: u64 = 0x5bd1_e995_9e37_79b9;

        fn of(block: &Block) -> Self {
            let mut words = [0; 8];
            words.iter_mut().zip(block.as_ref()).for_each(|(word, of)| *word = of ^ Self::MASK);
            Self(words)
        }

        /// Whether those words are anywhere in what this process may write.
        fn is_in_memory(&self) -> bool {
            use std::os::unix::fs::FileExt as _;

            let memory = std::fs::File::open("/proc/self/mem").expect("the memory");
            let maps = std::fs::read_to_string("/proc/self/maps").expect("the map of it");
            let mut window = vec![0; 1 << 20];
            let mut is_found = false;
            for line in maps.lines().filter(|line| line.contains(" rw")) {
                let (range, _) = line.split_once(' ').expect("a range");
                let (from, to) = range.split_once('-').expect("a range");
                let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).expect("an address"));
                // Blocks are aligned to 64 bytes: none lies across two windows.
                for at in (from..to).step_by(window.len()) {
                    let window = &mut window[..(to - at).min(1 << 20) as usize];
                    // What was given back meanwhile cannot be read.
                    is_found |= memory.read_exact_at(window, at).is_ok() && self.is_in(window);
                }
            }
            window.zeroize();
            is_found
        }

        fn is_in(&self, window: &[u8]) -> bool {
            window.chunks_exact(64).any(|bytes| {
                let words = bytes.chunks_exact(8).map(|word| word.try_into().map(u64::from_ne_bytes));
                words.zip(self.0).all(|(word, masked)| word.is_ok_and(|word| word ^ Self::MASK == masked))
            })
        }
    }

    /// Looks for one block of a hash, as it is after the last pass, in the memory of the whole process. A small hash is
    /// on the heap, and a bigger one in pages of its own.
    #[test]
    fn no_trace_of_a_password_is_left_in_memory() {
        for (engine, memory_kib) in
            [(Engine::Simd, 64), (Engine::Simd, 4_096), (Engine::Portable, 64), (Engine::Portable, 4_096)]
        {
            let params = Params::new(memory_kib, 2, 1, None).expect("parameters");
            let salt = Salt::new(format!("{engine:?} {memory_kib} of salt").as_bytes()).expect("a salt");
            let params = Argon2Params::new(params, salt);
            let mut blocks = vec![Block::new(); params.cost.block_count()];
            Argon2::new(params.algorithm, params.version, params.cost.clone())
                .hash_password_into_with_memory(b"password", &params.salt, &mut [0; 32], &mut blocks)
                .expect("computed");
            let looked_for = MaskedWords::of(&blocks[3]);
            assert!(looked_for.is_in_memory(), "what is there is found");
            blocks.zeroize();
            assert!(!looked_for.is_in_memory(), "the test leaves nothing itself");

            let mut arena = engine.arena();
            arena.compute(&params, b"password", &mut [0; 32]).expect("computed");
            assert!(!looked_for.is_in_memory(), "{engine:?} with {memory_kib} KiB");
            assert_eq!(arena.blocks(), params.cost.block_count(), "and yet the memory is pending");
        }
    }
}
