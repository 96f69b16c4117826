//! Settings of users: what their passwords are like and cost, what they may do.

use auth_domain::model::{Role, Roles};

use super::store;
use crate::settings::setting::Setting;

pub(super) fn passwords() -> Vec<Setting> {
    vec![
        Setting::integer(
            "hashing.memory_kib",
            "KiB",
            12_288..=1_048_576,
            "Argon2id: the memory of one hash. At least 47104 with 1 iteration, 19456 with 2, 12288 with 3 or more.",
            |s| Some(s.hashing.memory_kib.to_string()),
            |s, number| s.hashing.memory_kib = number,
        ),
        Setting::integer(
            "hashing.iterations",
            "iterations",
            1..=10,
            "Argon2id: how often a hash passes over its memory.",
            |s| Some(s.hashing.iterations.to_string()),
            |s, number| s.hashing.iterations = number,
        ),
        Setting::integer(
            "hashing.parallelism",
            "lanes",
            1..=16,
            "Argon2id: the lanes of one hash.",
            |s| Some(s.hashing.parallelism.to_string()),
            |s, number| s.hashing.parallelism = number,
        ),
        Setting::integer(
            "hashing.memory_budget_mib",
            "MiB",
            12..=1_048_576,
            "The memory of all hashes under way together: as many run at a time as fit into it, and not more than \
             there are cores.",
            |s| Some((s.hashing.memory_budget_kib / 1024).to_string()),
            |s, number| s.hashing.memory_budget_kib = number * 1024,
        ),
        Setting::integer(
            "password.min_length",
            "characters",
            1..=128,
            "The fewest characters of a new password. It raises what a dialect asks for and never lowers it.",
            |s| s.password.min_length.map(|length| length.to_string()),
            |s, number| s.password.min_length = Some(number as usize),
        )
        .by_default("each document's own"),
        Setting::switch(
            "password.refuse_common",
            "Whether a new password is refused that is one of the 42,692 most common ones or one of the account's own \
             names, in any spelling. The whole password is compared, not parts of it.",
            |s| s.password.refuse_common,
            |s, on| {
                s.password.refuse_common = on;
                Ok(())
            },
        ),
    ]
}

const ROLES: &str =
    "role names, each 1 to 64 of a-z, 0-9, '_', '-' and '.', beginning with a letter, in a list";

pub(super) fn users() -> [Setting; 3] {
    [
        Setting::list(
            "registration.default_roles",
            ROLES,
            "The roles of a user who registers and chooses none.",
            |s| Some(s.registration.default_roles.to_string()),
            |s, text| store(&mut s.registration.default_roles, Roles::parse(text).ok()),
        ),
        Setting::list(
            "registration.self_assignable_roles",
            ROLES,
            "The roles that a user who registers may choose, in dialects that let them choose one.",
            |s| Some(s.registration.self_assignable_roles.to_string()),
            |s, text| store(&mut s.registration.self_assignable_roles, Roles::parse(text).ok()),
        ),
        Setting::text(
            "protected.required_role",
            "a role name, 1 to 64 of a-z, 0-9, '_', '-' and '.', beginning with a letter, or empty",
            "The role that the protected resource asks for. Empty: any user may see it.",
            |s| Some(s.protected.required_role.as_ref().map_or("", Role::as_str).to_owned()),
            |s, text| {
                let role = if text.is_empty() { Some(None) } else { Role::parse(text).ok().map(Some) };
                store(&mut s.protected.required_role, role)
            },
        ),
    ]
}
