//! Selects the engine: the fast one only if it computes correct tags on this machine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use argon2::password_hash::phc::Salt;
use argon2::{Algorithm, Params, Version};
use aws_lc_rs::rand;

use super::argon2_hash::Argon2Hash;
use super::engine::Engine;
use super::error::HashingError;
use super::params::Argon2Params;

/// Passwords and their hashes by the reference implementation (phc-winner-argon2 20171227).
const REFERENCE_HASHES: [(&str, &str); 5] = [
    (
        "password",
        "$argon2id$v=19$m=64,t=2,p=1$c2l4dGVlbiBieXRlcyA6KQ$XTH4a71OogzwILuSbuaDYNnevADuL8oT9x6sn1wlOqY",
    ),
    ("", "$argon2id$v=19$m=40,t=3,p=2$c29tZXNhbHQ$AHik7CElV/Uc7KI5yt0IZQ"),
    (
        "password",
        "$argon2i$v=19$m=64,t=2,p=1$c2l4dGVlbiBieXRlcyA6KQ$Fso0QMPGCxPOvG6y5LmPk0i2EqQ/jKqHXbsTGMwUs6Q",
    ),
    (
        "password",
        "$argon2d$v=19$m=64,t=2,p=1$c2l4dGVlbiBieXRlcyA6KQ$foOxWUS3EDXa+hU5BE9a6LM1m7On1KNU0WbquH+NhUY",
    ),
    (
        "password",
        "$argon2id$v=16$m=64,t=2,p=1$c2l4dGVlbiBieXRlcyA6KQ$lh/kGt2rbtivZMcCgFpF2BX9exZ/X0CatEGcbaYjPAM",
    ),
];

/// Algorithm, version, `[KiB, passes, lanes]`, and the bytes of `[password, salt, tag]`.
type Shape = (Algorithm, Version, [u32; 3], [usize; 3]);

/// Inputs that both engines compute. A segment is a quarter of a lane. From 516 KiB per lane on, the addresses of one
/// segment need more than one block, so the counter of address blocks matters. From 2 MiB on, the fast engine allocates
/// pages of its own, as it does in production. 128 bytes are a block of `BLAKE2b`.
const SHAPES: [Shape; 7] = [
    (Algorithm::Argon2id, Version::V0x13, [2_100, 1, 1], [12, 16, 32]),
    (Algorithm::Argon2id, Version::V0x13, [601, 2, 1], [29, 16, 32]),
    (Algorithm::Argon2id, Version::V0x13, [67, 3, 2], [0, 8, 17]),
    (Algorithm::Argon2id, Version::V0x13, [32, 1, 4], [1_021, 47, 64]),
    (Algorithm::Argon2id, Version::V0x10, [48, 2, 1], [129, 11, 33]),
    (Algorithm::Argon2i, Version::V0x13, [560, 1, 1], [7, 16, 32]),
    (Algorithm::Argon2d, Version::V0x13, [64, 2, 3], [65, 13, 24]),
];

impl Engine {
    /// The engine of this process. The first call checks the fast engine, which takes a few milliseconds.
    pub(super) fn select() -> Self {
        static SELECTED: OnceLock<Engine> = OnceLock::new();
        *SELECTED.get_or_init(|| {
            let mut arena = Self::Simd.arena();
            select_with(|params, password, tag| arena.compute(params, password, tag))
        })
    }
}

/// The fast engine if `compute`, its computation, passes the check. Otherwise the portable one, with a warning.
fn select_with(compute: impl FnMut(&Argon2Params, &[u8], &mut [u8]) -> Result<(), HashingError>) -> Engine {
    if catch_unwind(AssertUnwindSafe(|| matches_reference(compute))).unwrap_or(false) {
        return Engine::Simd;
    }
    tracing::warn!(
        vectors = argon2_rust::detected_backend().name(),
        "the fast Argon2 engine failed its self-check on this machine; the portable one is used, at half the speed"
    );
    Engine::Portable
}

/// Whether `compute` agrees with the reference hashes and, for random inputs, with the portable engine.
fn matches_reference(
    mut compute: impl FnMut(&Argon2Params, &[u8], &mut [u8]) -> Result<(), HashingError>,
) -> bool {
    let mut computes = |params: &Argon2Params, password: &[u8], expected: &[u8]| {
        let mut tag = vec![0; expected.len()];
        compute(params, password, &mut tag).is_ok() && tag == expected
    };
    // Random inputs, because an engine could be right for the known vectors only.
    let known = REFERENCE_HASHES.iter().all(|(password, stored)| {
        Argon2Hash::parse(stored)
            .is_ok_and(|hash| computes(&hash.params, password.as_bytes(), hash.tag.as_ref()))
    });
    let mut reference = Engine::Portable.arena();
    known
        && SHAPES.iter().all(|shape| {
            random_input(shape).is_some_and(|(params, password, mut tag)| {
                reference.compute(&params, &password, &mut tag).is_ok() && computes(&params, &password, &tag)
            })
        })
}

/// Parameters with a random salt, a random password, and a buffer for the tag.
fn random_input((algorithm, version, [m, t, p], bytes): &Shape) -> Option<(Argon2Params, Vec<u8>, Vec<u8>)> {
    let [mut password, mut salt, tag] = bytes.map(|bytes| vec![0; bytes]);
    rand::fill(&mut password).ok()?;
    rand::fill(&mut salt).ok()?;
    let params = Params::new(*m, *t, *p, Some(tag.len())).ok()?;
    let salt = Salt::new(&salt).ok()?;
    Some((Argon2Params { algorithm: *algorithm, version: *version, cost: params, salt }, password, tag))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// The engine that is selected if `spoil` changes the correct tags, and the log of the selection.
    fn select(
        mut spoil: impl FnMut(&Argon2Params, &[u8], &mut [u8]) -> Result<(), HashingError>,
    ) -> (Engine, String) {
        #[derive(Clone, Default)]
        struct Log(Arc<Mutex<Vec<u8>>>);
        impl Write for Log {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().expect("the log").write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let engine = tracing::subscriber::with_default(subscriber, || {
            let mut right = Engine::Portable.arena();
            select_with(|params, password, tag| {
                right.compute(params, password, tag)?;
                spoil(params, password, tag)
            })
        });
        let logged = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
        (engine, logged)
    }

    #[test]
    fn the_fast_engine_is_selected_here_without_a_log_line() {
        assert_eq!(Engine::select(), Engine::Simd);
        assert_eq!(select(|_, _, _| Ok(())), (Engine::Simd, String::new()));
    }

    #[test]
    fn an_engine_wrong_in_one_case_is_not_used_and_logs_one_warning() {
        type Case = fn(&Argon2Params, &[u8]) -> bool;
        let cases: [(&str, Case); 12] = [
            ("several passes", |params, _| params.cost.t_cost() > 1),
            ("one pass", |params, _| params.cost.t_cost() == 1),
            ("several lanes", |params, _| params.cost.p_cost() > 1),
            ("lanes of an odd length", |params, _| params.cost.m_cost() % 4 != 0),
            ("several blocks of addresses", |params, _| params.cost.m_cost() > 512),
            ("version 16", |params, _| params.version == Version::V0x10),
            ("Argon2i", |params, _| params.algorithm == Algorithm::Argon2i),
            ("Argon2d", |params, _| params.algorithm == Algorithm::Argon2d),
            ("no password", |_, password| password.is_empty()),
            ("a password of one block", |_, password| (1..128).contains(&password.len())),
            ("a password of several blocks", |_, password| password.len() > 128),
            ("an odd salt", |params, _| params.salt.len() % 8 != 0),
        ];
        for (named, case) in cases {
            let (engine, logged) = select(|params, password, tag| {
                if case(params, password)
                    && let Some(last) = tag.last_mut()
                {
                    *last ^= 0x80;
                }
                Ok(())
            });
            assert_eq!(engine, Engine::Portable, "{named}");
            assert_eq!((logged.lines().count(), logged.matches("WARN").count()), (1, 1), "{logged}");
        }
    }

    #[test]
    fn an_engine_right_for_the_vectors_only_is_not_used() {
        let (engine, _) = select(|params, password, tag| {
            let is_a_vector = REFERENCE_HASHES.iter().any(|(known, stored)| {
                known.as_bytes() == password
                    && Argon2Hash::parse(stored).is_ok_and(|hash| hash.params == *params)
            });
            if !is_a_vector {
                tag.fill(0);
            }
            Ok(())
        });
        assert_eq!(engine, Engine::Portable);
    }

    #[test]
    fn an_engine_that_fails_or_panics_is_not_used() {
        let (engine, logged) = select(|_, _, _| Err(HashingError::Argon2(argon2::Error::MemoryTooLittle)));
        assert!(engine == Engine::Portable && logged.contains("WARN"), "{logged}");
        let (engine, logged) = select(|_, _, _| panic!("on purpose"));
        assert!(engine == Engine::Portable && logged.contains("WARN"), "{logged}");
    }
}
