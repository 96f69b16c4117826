//! Faults in imports.

use auth_domain::model::{
    ExternalId, IdentifierKind, Identifiers, ImportOutcome, ImportState, ImportedUser, PasswordHash, UserRef,
    UserStatus, Username,
};
use auth_domain::ports::{PortError, UserRepository};
use tokio::task::yield_now;

use super::registration::{cut, keys_of};
use super::{Fault, FaultyStore};

impl FaultyStore {
    pub(super) async fn import_with_fault(
        &self,
        batch: &[ImportedUser],
    ) -> Result<Vec<ImportOutcome>, PortError> {
        let batch: Vec<_> = batch.iter().map(|imported| self.altered_import(imported)).collect();
        if self.is(Fault::ChecksNamesBeforeItImports) {
            return self.import_despite_conflicts(&batch).await;
        }
        if self.is(Fault::ChecksExternalIdsBeforeItImports) {
            return self.import_despite_external_ids(&batch).await;
        }
        if self.is(Fault::ImportsInNameOrder) {
            let mut sorted = batch.clone();
            sorted.sort_by_key(|imported| imported.user.identifiers.keys()[0].1.clone());
            return self.inner.import(&sorted).await;
        }
        if !self.imports_one_by_one() {
            return self.inner.import(&batch).await;
        }
        let mut outcomes = Vec::new();
        for imported in &batch {
            outcomes.push(self.import_one_with_fault(imported).await?);
        }
        if self.is(Fault::RejectsWholeBatches)
            && outcomes.iter().any(|outcome| matches!(outcome, ImportOutcome::Taken(_)))
        {
            for imported in &batch {
                self.inner.delete(imported.user.id).await?;
            }
            outcomes.fill(ImportOutcome::Taken(IdentifierKind::Username));
        }
        Ok(outcomes)
    }

    fn imports_one_by_one(&self) -> bool {
        matches!(
            self.fault,
            Fault::ImportsUsersOneByOne
                | Fault::RecognisesImportsByName
                | Fault::RecognisesImportsByHash
                | Fault::RestoresImportedHashes
                | Fault::RecognisesDeletedImports
                | Fault::ReturnsNewIdsOfRepeatedImports
                | Fault::ReservesNamesOfRejectedImports
                | Fault::RejectsWholeBatches
        )
    }

    /// An imported user as this store writes it.
    fn altered_import(&self, imported: &ImportedUser) -> ImportedUser {
        let mut imported = imported.clone();
        match self.fault {
            Fault::DropsImportedStatuses => imported.status = UserStatus::Active,
            Fault::UnverifiesImportedEmails => imported.email_verified = false,
            Fault::TruncatesImportedHashes => {
                imported.user.password_hash = imported.user.password_hash.as_ref().map(cut);
            }
            Fault::DropsMetadata => {
                imported.user.metadata = self.altered_metadata(imported.user.metadata.as_ref());
            }
            Fault::DropsExternalIds => imported.external_id = None,
            Fault::FoldsExternalIds => {
                let folded = imported.external_id.map(|id| id.as_str().to_lowercase());
                imported.external_id = folded.and_then(|id| ExternalId::parse(&id).ok());
            }
            Fault::ImportsAnEmptyHash if imported.user.password_hash.is_none() => {
                imported.user.password_hash = Some(PasswordHash::new(String::new()));
            }
            _ => {}
        }
        imported
    }

    async fn import_one_with_fault(&self, imported: &ImportedUser) -> Result<ImportOutcome, PortError> {
        let outcome = self.inner.import(std::slice::from_ref(imported)).await?[0];
        let before = self.log().imported.iter().find(|before| before.digest() == imported.digest()).cloned();
        self.log().imported.push(imported.clone());
        match (self.fault, outcome) {
            (Fault::RecognisesImportsByName, ImportOutcome::AlreadyImported(_) | ImportOutcome::Taken(_)) => {
                let taken = ImportOutcome::Taken(IdentifierKind::Username);
                return Ok(if self.is_held(imported).await? {
                    ImportOutcome::AlreadyImported(imported.user.id)
                } else {
                    taken
                });
            }
            (Fault::RecognisesImportsByHash, ImportOutcome::AlreadyImported(_)) => {
                let id = before.as_ref().map_or(imported.user.id, |before| before.user.id);
                let stored = self.inner.find_with_password(id).await?;
                if stored.is_none_or(|record| record.password.hash != imported.user.password_hash) {
                    return Ok(ImportOutcome::Taken(IdentifierKind::Username));
                }
            }
            (Fault::RestoresImportedHashes, ImportOutcome::AlreadyImported(_)) => {
                let id = before.as_ref().map_or(imported.user.id, |before| before.user.id);
                let record = self.inner.find_with_password(id).await?;
                let stored = record.and_then(|record| record.password.hash);
                if let Some((stored, hash)) = stored.as_ref().zip(imported.user.password_hash.as_ref()) {
                    self.inner.upgrade_password_hash(id, stored, hash).await?;
                }
            }
            (Fault::RecognisesDeletedImports, ImportOutcome::Imported) if before.is_some() => {
                self.inner.delete(imported.user.id).await?;
                return Ok(ImportOutcome::AlreadyImported(imported.user.id));
            }
            (Fault::ReturnsNewIdsOfRepeatedImports, ImportOutcome::AlreadyImported(_)) => {
                return Ok(ImportOutcome::AlreadyImported(imported.user.id));
            }
            (Fault::ReservesNamesOfRejectedImports, ImportOutcome::Taken(_)) => {
                self.reserve_names(&imported.user.identifiers).await?;
            }
            _ => {}
        }
        Ok(outcome)
    }

    async fn is_held(&self, imported: &ImportedUser) -> Result<bool, PortError> {
        for (_, key) in imported.user.identifiers.keys() {
            if UserRepository::find(&*self.inner, &UserRef::Identifier(key.clone())).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checks the names first and imports later, when other calls may have taken them. A user whose name is then taken is
    /// reported as imported.
    async fn import_despite_conflicts(
        &self,
        batch: &[ImportedUser],
    ) -> Result<Vec<ImportOutcome>, PortError> {
        let mut free = Vec::new();
        for imported in batch {
            free.push(self.are_free(&keys_of(&imported.user.identifiers), imported.user.id).await?);
        }
        yield_now().await;
        let mut outcomes = self.inner.import(batch).await?;
        for ((imported, outcome), was_free) in batch.iter().zip(&mut outcomes).zip(free) {
            if was_free && *outcome != ImportOutcome::Imported {
                let mut renamed = imported.clone();
                renamed.user.identifiers = self.unused_identifiers();
                self.inner.import(&[renamed]).await?;
                *outcome = ImportOutcome::Imported;
            }
        }
        Ok(outcomes)
    }

    /// Checks the external ids first and imports later, when other calls may have taken them. A user whose external id is then
    /// taken is imported without it.
    async fn import_despite_external_ids(
        &self,
        batch: &[ImportedUser],
    ) -> Result<Vec<ImportOutcome>, PortError> {
        let taken = self.inner.find_import_state(batch).await?.taken_external_ids;
        yield_now().await;
        let mut outcomes = self.inner.import(batch).await?;
        for (imported, outcome) in batch.iter().zip(&mut outcomes) {
            let was_free = imported.external_id.as_ref().is_some_and(|id| !taken.contains(id));
            if was_free && *outcome == ImportOutcome::ExternalIdTaken {
                let without = ImportedUser { external_id: None, ..imported.clone() };
                *outcome = self.inner.import(&[without]).await?[0];
            }
        }
        Ok(outcomes)
    }

    pub(super) async fn find_import_state_with_fault(
        &self,
        batch: &[ImportedUser],
    ) -> Result<ImportState, PortError> {
        let mut state = self.inner.find_import_state(batch).await?;
        match self.fault {
            Fault::StoresRehearsedUsers => {
                self.inner.import(batch).await?;
            }
            Fault::OmitsKnownImports => state.known.clear(),
            Fault::OmitsTakenNames => state.taken.clear(),
            Fault::OmitsTakenExternalIds => state.taken_external_ids.clear(),
            _ => {}
        }
        Ok(state)
    }

    fn unused_identifiers(&self) -> Identifiers {
        let name: Username = self.unused_name();
        Identifiers::new(Some(name), None).expect("a name")
    }
}
