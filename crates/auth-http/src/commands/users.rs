//! Manages users.

mod list;

use anyhow::{Context as _, anyhow};
use auth_domain::UseCases;
use auth_domain::model::{
    DisplayName, EmailAddress, ExternalId, IdentifierKey, Identifiers, InvalidIdentifier, PhoneNumber, Role,
    RoleChoice, Roles, User, UserId, UserRef, Username,
};
use auth_domain::use_cases::{Register, RegisterError, UpdateUser};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use uuid::Uuid;

use super::confirm::Confirmation;
use super::import::{self, EmptyStore, Import};
use super::output::{members, print};
use super::password;
use super::service::with_service;
use crate::request::MinPasswordLength;
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Creates a user; the password is prompted for, or is the first line of standard input
    Create(Create),
    /// Imports users of another service with their password hashes; running it again is safe
    Import(Import),
    /// Shows a user
    Show {
        /// The user's id, username, e-mail address or external id
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Lists the users in the order of registration
    List(list::List),
    /// Suspends a user and ends all their sessions
    Suspend(UserArgument),
    /// Lets a suspended user log in again
    Activate(UserArgument),
    /// Replaces the roles of a user; a change ends all sessions of the user
    SetRoles {
        #[command(flatten)]
        user: UserArgument,
        /// The new roles; without any, the user has none
        #[arg(value_parser = Role::parse, value_delimiter = ',')]
        roles: Vec<Role>,
    },
    /// Sets a password, which is read as by `create`, and ends all sessions of the user
    SetPassword(UserArgument),
    /// Deletes a user with all their data
    Delete {
        #[command(flatten)]
        user: UserArgument,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// The user argument of a command.
#[derive(Args)]
pub(super) struct UserArgument {
    /// The user's id, username or e-mail address
    #[arg(value_name = "USER", value_parser = user_ref)]
    user: UserRef,
}

#[derive(Args)]
pub(super) struct Create {
    /// The username; a user has this, an e-mail address or both
    #[arg(long, value_parser = Username::parse, required_unless_present = "email")]
    username: Option<Username>,
    /// The e-mail address
    #[arg(long, value_parser = EmailAddress::parse)]
    email: Option<EmailAddress>,
    /// The display name
    #[arg(long, value_parser = DisplayName::parse)]
    display_name: Option<DisplayName>,
    /// The phone number in E.164 form, such as +84123456789
    #[arg(long, value_parser = PhoneNumber::parse)]
    phone_number: Option<PhoneNumber>,
    /// A role [default: those of the setting `registration.default_roles`]
    #[arg(long = "role", value_name = "ROLE", value_parser = Role::parse)]
    roles: Vec<Role>,
    /// Print the user as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    // A rehearsal without a store works on an empty one in a directory of its own.
    let empty_store = match &command {
        Command::Import(command) => command.empty_store(settings)?,
        _ => None,
    };
    let settings = empty_store.as_ref().map_or(settings, EmptyStore::settings);
    let may_create = match &command {
        Command::Create(_) => true,
        Command::Import(command) => command.may_create() || empty_store.is_some(),
        _ => false,
    };
    with_service(settings, may_create, async |auth| match command {
        Command::Create(command) => create(auth, settings, command).await,
        Command::Import(command) => import::run(auth, settings, command).await,
        Command::Show { user, json } => {
            let user = find_to_show(auth, &user).await?;
            let has_password = auth.has_password(user.id).await?;
            show(&user, has_password, json)
        }
        Command::List(list) => list.run(auth).await,
        Command::Suspend(user) => done("suspended", auth.suspend_user(find(auth, &user).await?.id).await?),
        Command::Activate(user) => done("activated", auth.activate_user(find(auth, &user).await?.id).await?),
        Command::SetRoles { user, roles } => set_roles(auth, &user, Roles::new(roles)?).await,
        Command::SetPassword(user) => set_password(auth, settings, &user).await,
        Command::Delete { user, confirmation } => {
            let user = find(auth, &user).await?;
            confirmation.require(&format!("Delete {} with all data?", label(&user)))?;
            auth.delete_user(user.id).await?;
            done("deleted", Some(user))
        }
    })
    .await
}

/// Reports what was done with a user. `None`: the user has been deleted in the meantime.
fn done(what: &str, user: Option<User>) -> anyhow::Result<()> {
    print(&format!("{what} {}\n", label(&user.context(UNKNOWN_USER)?)))
}

/// Parses an id, a username or an e-mail address. A text in the form of an id is always an id. Otherwise a user could take
/// the id of another user as a username, and be selected instead.
pub(super) fn user_ref(text: &str) -> Result<UserRef, InvalidIdentifier> {
    match Uuid::try_parse(text) {
        Ok(id) => Ok(UserRef::Id(UserId(id))),
        Err(_) => IdentifierKey::of(text).map(UserRef::Identifier),
    }
}

async fn find(auth: &UseCases, user: &UserArgument) -> anyhow::Result<User> {
    auth.find_user(&user.user).await?.context(UNKNOWN_USER)
}

/// Finds the user also by the external id. No other command does: a user may choose the external id of another user as a
/// username.
async fn find_to_show(auth: &UseCases, user: &str) -> anyhow::Result<User> {
    if let Ok(user) = user_ref(user)
        && let Some(found) = auth.find_user(&user).await?
    {
        return Ok(found);
    }
    let external_id = ExternalId::parse(user).ok().context(UNKNOWN_USER)?;
    auth.find_user(&UserRef::External(external_id)).await?.context(UNKNOWN_USER)
}

pub(super) const UNKNOWN_USER: &str = "there is no such user";

async fn create(auth: &UseCases, settings: &Settings, command: Create) -> anyhow::Result<()> {
    let Create { username, email, display_name, phone_number, roles, json } = command;
    let identifiers =
        Identifiers::new(username, email).context("a user has a username or an e-mail address")?;
    let roles = if roles.is_empty() { RoleChoice::Default } else { RoleChoice::Assigned(Roles::new(roles)?) };
    let password = password::read(settings.min_password_length_or(MinPasswordLength::default()))?;
    let mut command = Register::new(identifiers, password).with_roles(roles);
    command.display_name = display_name;
    command.phone_number = phone_number;
    let user = auth.register(command).await.map_err(|error| match error {
        RegisterError::Taken(kind) => anyhow!(import::taken(kind)),
        // The limit on registrations does not apply, because an operator has no client address.
        RegisterError::TooManyAttempts(_)
        | RegisterError::Password(_)
        | RegisterError::Role(_)
        | RegisterError::Refused(_)
        | RegisterError::Port(_) => error.into(),
    })?;
    show(&user, Some(true), json)
}

async fn set_roles(auth: &UseCases, user: &UserArgument, roles: Roles) -> anyhow::Result<()> {
    let user = auth.set_roles(find(auth, user).await?.id, &roles).await?.context(UNKNOWN_USER)?;
    print(&format!("roles of {}: {}\n", label(&user), user.roles))
}

async fn set_password(auth: &UseCases, settings: &Settings, user: &UserArgument) -> anyhow::Result<()> {
    let user = find(auth, user).await?;
    let password = password::read(settings.min_password_length_or(MinPasswordLength::default()))?;
    let user = auth.update_user(user.id, UpdateUser::new().with_password(password)).await?;
    done("set the password of", Some(user))
}

fn label(user: &User) -> String {
    format!("{} ({})", name(user), user.id)
}

pub(super) fn name(user: &User) -> &str {
    user.username().or_else(|| user.email()).unwrap_or_default()
}

fn show(user: &User, has_password: Option<bool>, json: bool) -> anyhow::Result<()> {
    let mut user = as_json(user);
    user["has_password"] = has_password.into();
    if json {
        return print(&format!("{user:#}\n"));
    }
    let rows = [
        ("id", "id"),
        ("number", "number"),
        ("username", "username"),
        ("e-mail", "email"),
        ("verified", "email_verified"),
        ("name", "display_name"),
        ("phone", "phone_number"),
        ("status", "status"),
        ("roles", "roles"),
        ("registered", "created_at"),
        ("external id", "external_id"),
        ("password", "has_password"),
    ];
    print(&members(&user, rows, "-"))
}

fn as_json(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "number": user.number.0,
        "username": user.username(),
        "email": user.email(),
        "email_verified": user.email_verified,
        "display_name": user.display_name.as_ref().map(DisplayName::as_str),
        "phone_number": user.phone_number.as_ref().map(PhoneNumber::as_str),
        "status": user.status.as_str(),
        "roles": user.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "created_at": user.created_at.to_string(),
        "external_id": user.external_id.as_ref().map(ExternalId::as_str),
    })
}
