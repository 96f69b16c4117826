//! The encodings of the types of the model.

use super::encoding::{Encode, Input, encode_text};
use crate::model::{
    ApiKey, ApiKeyId, ApiKeyName, AuditAction, AuditDetail, AuditEvent, AuditId, AuditOutcome, AuditedCaller,
    ClientAddress, ClientId, ConsumedCredential, CredentialChain, DenialReason, DisplayName, EmailAddress,
    EndReason, ExternalId, Identifiers, ImportDigest, MergedEvents, Metadata, NewApiKey, PasswordHash,
    PasswordVersion, PhoneNumber, RequestId, Roles, Scopes, SecretDigest, Session, SessionEnd, SessionId,
    StoredPassword, SuccessorNonce, Timestamp, User, UserId, UserNumber, UserStatus, Username,
};

/// Encodes each type as the list of its members. A new member does not compile until it is in its list.
macro_rules! members {
    ($($type:ident { $($member:ident)* })*) => { $(
        impl Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                let Self { $($member),* } = self;
                $($member.encode(out);)*
            }

            fn decode(input: &mut Input<'_>) -> Option<Self> {
                $(let $member = Encode::decode(input)?;)*
                Some(Self { $($member),* })
            }
        }
    )* };
}

pub(super) use members;

members! {
    User {
        id number identifiers display_name phone_number email_verified status roles created_at external_id
        metadata
    }
    StoredPassword { hash version }
    Session { id user_id client_id created_at last_refreshed_at expires_at end }
    SessionEnd { at reason }
    CredentialChain { current consumed }
    ConsumedCredential { digest at nonce }
    NewApiKey { key digest }
    ApiKey { id name scopes created_at expires_at revoked_at last_used_at }
    AuditEvent { at merged action outcome user session client caller detail }
    MergedEvents { count last_at }
    AuditedCaller { address request api_key }
}

/// Encodes each type as the value that it wraps.
macro_rules! wrappers {
    ($($type:ident)*) => { $(
        impl Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }

            fn decode(input: &mut Input<'_>) -> Option<Self> {
                Encode::decode(input).map(Self)
            }
        }
    )* };
}

wrappers! { UserId UserNumber PasswordVersion SessionId ApiKeyId AuditId RequestId }

/// Encodes each type as its bytes.
macro_rules! bytes {
    ($($type:ident)*) => { $(
        impl Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                self.as_bytes().encode(out);
            }

            fn decode(input: &mut Input<'_>) -> Option<Self> {
                Encode::decode(input).map(Self::from_bytes)
            }
        }
    )* };
}

bytes! { SecretDigest ImportDigest SuccessorNonce }

/// Encodes each type as a text, from which it is parsed.
macro_rules! texts {
    ($(|$value:ident: $type:ty| $encoded:expr, |$text:ident| $parsed:expr;)*) => { $(
        impl Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                let $value = self;
                encode_text($encoded, out);
            }

            fn decode(input: &mut Input<'_>) -> Option<Self> {
                let $text = input.text()?;
                $parsed
            }
        }
    )* };
}

texts! {
    |status: UserStatus| status.as_str(), |text| Self::parse(text);
    |reason: EndReason| reason.as_str(), |text| Self::parse(text);
    |action: AuditAction| action.as_str(), |text| Self::parse(text);
    |reason: DenialReason| reason.as_str(), |text| Self::parse(text);
    |name: DisplayName| name.as_str(), |text| Self::parse(text).ok();
    |number: PhoneNumber| number.as_str(), |text| Self::parse(text).ok();
    |id: ExternalId| id.as_str(), |text| Self::parse(text).ok();
    |metadata: Metadata| metadata.as_str(), |text| Self::parse(text).ok();
    |name: ApiKeyName| name.as_str(), |text| Self::parse(text).ok();
    |roles: Roles| &roles.to_string(), |text| Self::parse(text).ok();
    |scopes: Scopes| &scopes.to_string(), |text| Self::parse(text).ok();
    |client: ClientId| client.as_str(), |text| Some(Self::from(text.to_owned()));
    |hash: PasswordHash| hash.expose(), |text| Some(Self::new(text.to_owned()));
    |detail: AuditDetail| detail.as_str(), |text| Some(Self::from_stored(text.to_owned()));
    |address: ClientAddress| &address.to_string(), |text| text.parse().ok();
}

/// Encodes a name with its key. The key is not computed again: a later version of Unicode may fold the name differently.
/// The entry of the old key would then never be deleted.
macro_rules! names {
    ($($type:ident)*) => { $(
        impl Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                encode_text(self.as_str(), out);
                encode_text(self.key().as_str(), out);
            }

            fn decode(input: &mut Input<'_>) -> Option<Self> {
                Some(Self::from_stored(input.text()?, input.text()?))
            }
        }
    )* };
}

names! { Username EmailAddress }

impl Encode for Identifiers {
    fn encode(&self, out: &mut Vec<u8>) {
        self.username().cloned().encode(out);
        self.email().cloned().encode(out);
    }

    fn decode(input: &mut Input<'_>) -> Option<Self> {
        Self::new(Encode::decode(input)?, Encode::decode(input)?)
    }
}

impl Encode for AuditOutcome {
    fn encode(&self, out: &mut Vec<u8>) {
        self.denial().encode(out);
    }

    fn decode(input: &mut Input<'_>) -> Option<Self> {
        Some(Option::decode(input)?.map_or(Self::Succeeded, Self::Denied))
    }
}

impl Encode for Timestamp {
    fn encode(&self, out: &mut Vec<u8>) {
        self.unix_micros().encode(out);
    }

    fn decode(input: &mut Input<'_>) -> Option<Self> {
        let micros = i64::decode(input)?;
        Some(Self::from_unix_micros(micros)).filter(|time| time.unix_micros() == micros)
    }
}
