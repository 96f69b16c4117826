//! Breaking promises about importing.

use auth_domain::model::{
    IdentifierKind, Identifiers, ImportOutcome, ImportedUser, PasswordHash, UserRef, UserStatus, Username,
};
use auth_domain::ports::{PortError, UserRepository};
use tokio::task::yield_now;

use super::{Broken, Fault};

impl Broken {
    pub(super) async fn import_badly(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
        let batch: Vec<_> = batch.iter().map(|imported| self.write_import(imported)).collect();
        if self.is(Fault::LooksForNamesBeforeItImports) {
            return self.import_regardless(&batch).await;
        }
        if self.is(Fault::ImportsInTheOrderOfNames) {
            let mut sorted = batch.clone();
            sorted.sort_by_key(|imported| imported.user.identifiers.keys()[0].1.clone());
            return self.inner.import(&sorted).await;
        }
        let mut outcomes = Vec::new();
        for imported in &batch {
            outcomes.push(self.import_one_badly(imported).await?);
        }
        let is_refused = |outcome: &ImportOutcome| matches!(outcome, ImportOutcome::Taken(_));
        if self.is(Fault::RefusesWholeBatches) && outcomes.iter().any(is_refused) {
            for imported in &batch {
                self.inner.delete(imported.user.id).await?;
            }
            outcomes.fill(ImportOutcome::Taken(IdentifierKind::Username));
        }
        Ok(outcomes)
    }

    /// Somebody as this store writes them.
    fn write_import(&self, imported: &ImportedUser) -> ImportedUser {
        let mut imported = imported.clone();
        match self.fault {
            Fault::DropsImportedStatuses => imported.status = UserStatus::Active,
            Fault::UnverifiesImportedEmails => imported.email_verified = false,
            Fault::CutsImportedHashes => {
                let cut = imported.user.password_hash.expose().chars().take(255).collect();
                imported.user.password_hash = PasswordHash::new(cut);
            }
            _ => {}
        }
        imported
    }

    async fn import_one_badly(&self, imported: &ImportedUser) -> Result<ImportOutcome, PortError> {
        let outcome = self.inner.import(std::slice::from_ref(imported)).await?[0];
        let before =
            self.notes().imported.iter().find(|before| before.digest() == imported.digest()).cloned();
        self.notes().imported.push(imported.clone());
        match (self.fault, outcome) {
            (Fault::KnowsImportsByTheirNames, ImportOutcome::AlreadyImported | ImportOutcome::Taken(_)) => {
                let taken = ImportOutcome::Taken(IdentifierKind::Username);
                return Ok(if self.is_held(imported).await? {
                    ImportOutcome::AlreadyImported
                } else {
                    taken
                });
            }
            (Fault::KnowsImportsByTheirHashes, ImportOutcome::AlreadyImported) => {
                let id = before.as_ref().map_or(imported.user.id, |before| before.user.id);
                let stored = self.inner.find_with_password(id).await?;
                if stored.is_none_or(|record| record.password.hash != imported.user.password_hash) {
                    return Ok(ImportOutcome::Taken(IdentifierKind::Username));
                }
            }
            (Fault::BringsBackImportedHashes, ImportOutcome::AlreadyImported) => {
                let id = before.as_ref().map_or(imported.user.id, |before| before.user.id);
                if let Some(record) = self.inner.find_with_password(id).await? {
                    let hash = &imported.user.password_hash;
                    self.inner.upgrade_password_hash(id, &record.password.hash, hash).await?;
                }
            }
            (Fault::KnowsTheDeleted, ImportOutcome::Imported) if before.is_some() => {
                self.inner.delete(imported.user.id).await?;
                return Ok(ImportOutcome::AlreadyImported);
            }
            (Fault::KeepsNamesOfRefusedImports, ImportOutcome::Taken(_)) => {
                self.haunt(&imported.user.identifiers).await?;
            }
            _ => {}
        }
        Ok(outcome)
    }

    async fn is_held(&self, imported: &ImportedUser) -> Result<bool, PortError> {
        for (_, key) in imported.user.identifiers.keys() {
            if UserRepository::find(&self.inner, &UserRef::Identifier(key.clone())).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Judges the batch, and stores those who were let in when others may have taken their names.
    async fn import_regardless(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError> {
        let mut free = Vec::new();
        for imported in batch {
            let keys: Vec<_> =
                imported.user.identifiers.keys().into_iter().map(|(_, key)| key.clone()).collect();
            free.push(self.are_free(&keys, imported.user.id).await?);
        }
        yield_now().await;
        let mut outcomes = self.inner.import(batch).await?;
        for ((imported, outcome), was_free) in batch.iter().zip(&mut outcomes).zip(free) {
            if was_free && *outcome != ImportOutcome::Imported {
                let mut elsewhere = imported.clone();
                elsewhere.user.identifiers = self.unheard_of();
                self.inner.import(&[elsewhere]).await?;
                *outcome = ImportOutcome::Imported;
            }
        }
        Ok(outcomes)
    }

    fn unheard_of(&self) -> Identifiers {
        let name: Username = self.unheard_of_name();
        Identifiers::new(Some(name), None).expect("a name")
    }
}
