//! All faults of [`FaultyStore`](super::FaultyStore), each with the cases that must fail for it.

macro_rules! faults {
    ($($fault:ident => $($group:ident :: $case:ident)+;)*) => {
        /// The fault of a store.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            /// No fault: every case must pass.
            None,
            $($fault),*
        }

        /// Each fault with the cases that must fail for it. Other cases may fail as well.
        pub(crate) const DETECTED_BY: &[(Fault, &[&str])] = &[
            $((Fault::$fault, &[$(concat!(stringify!($group), "::", stringify!($case))),+])),*
        ];
    };
}

faults! {
    // all calls
    FailsOnConcurrentCalls =>
        session_races::sessions_of_one_user_refresh_concurrently
        session_races::concurrent_calls_for_one_user_cause_no_error;

    KeepsDataInMemory =>
        durability::users_outlive_the_process
        durability::sessions_outlive_the_process
        durability::api_keys_outlive_the_process
        durability::audit_events_outlive_the_process;

    // registration
    DropsDisplayNames =>
        user_members::full_user_is_returned_as_stored
        user_members::each_optional_member_is_stored_on_its_own;
    DropsJoinersInDisplayNames => user_members::display_names_of_every_script_are_returned_as_stored;
    DropsPhoneNumbers =>
        user_members::full_user_is_returned_as_stored
        user_members::each_optional_member_is_stored_on_its_own;
    DropsMetadata =>
        user_members::full_user_is_returned_as_stored
        user_members::each_optional_member_is_stored_on_its_own
        user_imports::imported_user_is_returned_as_imported;
    TrimsMetadata => user_members::metadata_is_returned_byte_by_byte;
    TruncatesMetadata => user_members::longest_members_are_returned_as_stored;
    DropsRoles =>
        user_members::full_user_is_returned_as_stored
        user_members::each_optional_member_is_stored_on_its_own;
    DropsEmails => user_members::full_user_is_returned_as_stored;
    TruncatesNames => user_members::longest_members_are_returned_as_stored;
    StoresAnEmptyHash => user_members::user_without_a_password_is_returned_as_stored;
    TruncatesHashes => user_members::longest_members_are_returned_as_stored;
    TruncatesTimesToMilliseconds =>
        user_members::username_only_user_is_returned_as_stored
        user_members::times_keep_their_microseconds;
    CapsTimesAtYear2100 => user_members::times_keep_their_microseconds;
    StoresCaseFoldedNames =>
        user_members::full_user_is_returned_as_stored
        user_members::names_keep_their_typed_spelling;
    ParsesNamesAsNumbers => user_members::text_with_database_syntax_is_returned_as_stored;
    RewritesTheNilUserId => user_members::smallest_and_largest_ids_are_returned;
    NumbersFromZero => user_numbers::numbers_are_at_least_1_and_below_2_to_the_53;
    GivesAllUsersOneNumber =>
        user_numbers::each_number_exceeds_all_earlier_numbers
        user_numbers::concurrent_registrations_get_different_numbers;
    ReusesNumbers =>
        user_numbers::number_of_a_deleted_user_is_not_reused
        user_numbers::numbers_are_not_reused_when_all_users_are_deleted;
    ComparesNamesBySpelling =>
        user_names::username_is_taken_in_every_spelling
        user_names::email_is_taken_in_every_spelling;
    SeparatesUsernamesFromEmails =>
        user_names::usernames_and_emails_share_one_namespace
        user_name_races::one_of_6_registrations_with_crossed_names_succeeds;
    RejectsEqualUsernameAndEmail =>
        user_names::one_user_can_have_equal_username_and_email
        user_names::name_in_both_fields_is_taken_until_both_change;
    ReportsTheEmailFirst => user_names::username_conflict_is_reported_before_email_conflict;
    RegistersTheFreeName =>
        user_names::rejected_registration_stores_nothing
        user_name_races::one_of_50_registrations_of_one_name_succeeds;
    ChecksNamesBeforeItWrites =>
        user_name_races::one_of_20_changes_to_one_name_succeeds
        user_name_races::one_of_registration_and_change_to_one_name_succeeds
        user_name_races::one_of_2_changes_to_crossed_names_succeeds;
    DeadlocksOnNames =>
        user_name_races::one_of_6_registrations_with_crossed_names_succeeds
        user_name_races::swap_of_names_between_users_is_rejected_without_error;
    OverwritesUsersWithTheSameId => errors::duplicate_user_id_is_an_error_that_changes_nothing;

    // imports
    DropsImportedStatuses => user_imports::imported_user_is_returned_as_imported;
    UnverifiesImportedEmails => user_imports::imported_user_is_returned_as_imported;
    TruncatesImportedHashes => user_imports::imported_user_is_returned_as_imported;
    ImportsInNameOrder => user_imports::imported_users_are_numbered_in_batch_order;
    RecognisesImportsByName =>
        user_imports::imported_user_is_recognised_after_any_change
        user_imports::first_user_of_a_batch_gets_a_repeated_name;
    RecognisesImportsByHash => user_imports::imported_user_is_recognised_after_any_change;
    RestoresImportedHashes => user_imports::imported_user_is_recognised_after_any_change;
    RejectsWholeBatches => user_imports::batch_skips_only_users_with_taken_names;
    ReservesNamesOfRejectedImports => user_imports::batch_skips_only_users_with_taken_names;
    RecognisesDeletedImports => user_imports::deleted_user_can_be_imported_again;
    DropsExternalIds =>
        user_imports::imported_user_is_returned_as_imported
        user_imports::imported_external_id_is_found_and_unique;
    FoldsExternalIds => user_imports::imported_external_id_is_found_and_unique;
    ImportsAnEmptyHash => user_imports::imported_user_may_have_no_password;
    ReturnsNewIdsOfRepeatedImports => user_imports::imported_user_is_recognised_after_any_change;
    StoresRehearsedUsers => user_imports::import_state_predicts_the_import;
    OmitsKnownImports => user_imports::import_state_predicts_the_import;
    OmitsTakenNames => user_imports::import_state_predicts_the_import;
    OmitsTakenExternalIds => user_imports::import_state_predicts_the_import;
    ChecksExternalIdsBeforeItImports => user_imports::concurrent_imports_store_each_external_id_once;
    ChecksNamesBeforeItImports =>
        user_imports::concurrent_imports_store_each_user_once
        user_imports::one_of_import_and_registration_of_one_name_succeeds;

    ImportsUsersOneByOne => errors::batch_with_a_taken_id_stores_no_user;

    // reading users
    FindsByPatterns => user_members::unknown_user_is_not_found user_names::different_names_are_free;
    FindsForLoginByUsernameOnly =>
        user_members::email_only_user_is_returned_as_stored
        user_names::user_is_found_by_each_name_in_every_spelling;
    FindsUsersAsRegistered =>
        user_members::changed_members_are_returned_as_changed
        session_refresh::record_contains_the_current_user;
    ReturnsAnotherRecentUser => recent_users::recent_user_equals_the_stored_user;
    CachesFoundUsersForever => recent_users::changed_user_is_returned_at_once recent_users::deleted_user_is_not_returned;
    CachesAbsentUsersForever =>
        recent_users::registered_user_is_found_after_an_earlier_miss;
    ListsTheStartNumberAgain =>
        user_lists::pages_list_every_user_once_in_ascending_order
        user_lists::page_is_filled_up_to_the_limit;
    ListsNewestFirst =>
        user_lists::pages_list_every_user_once_in_ascending_order
        user_lists::page_is_filled_up_to_the_limit;
    ListsOneTooMany =>
        user_lists::page_is_filled_up_to_the_limit
        user_lists::page_can_start_after_a_deleted_user;
    ListsNothingAfterAGap =>
        user_lists::page_starts_after_any_given_number
        user_lists::page_can_start_after_a_deleted_user;
    FailsOnHugeNumbers =>
        user_members::unknown_user_is_not_found
        user_lists::page_starts_after_any_given_number;

    // changing users
    IgnoresTheNewDisplayName =>
        user_changes::each_member_changes_on_its_own
        user_changes::all_members_change_together;
    IgnoresTheNewPhoneNumber =>
        user_changes::each_member_changes_on_its_own
        user_changes::all_members_change_together;
    IgnoresTheNewMetadata =>
        user_changes::each_member_changes_on_its_own
        user_changes::metadata_is_kept_replaced_or_removed;
    NeverRemovesMetadata => user_changes::metadata_is_kept_replaced_or_removed;
    RemovesMetadataAtEveryChange =>
        user_changes::each_member_changes_on_its_own
        user_changes::empty_change_changes_nothing;
    IgnoresTheNewUsername => user_changes::each_member_changes_on_its_own;
    IgnoresTheNewEmail => user_changes::each_member_changes_on_its_own user_changes::changed_email_is_unverified;
    KeepsChangedEmailsVerified => user_changes::changed_email_is_unverified;
    UnverifiesEmailsInAnotherSpelling =>
        user_names::rejected_change_changes_nothing
        user_changes::email_in_another_spelling_stays_verified;
    UnverifiesEmailsAtEveryChange => user_changes::email_stays_verified_when_other_members_change;
    AppliesHalfOfRejectedChanges => user_names::rejected_change_changes_nothing;
    ChangesAllUsers =>
        user_changes::each_member_changes_on_its_own
        user_sessions::password_in_an_update_ends_every_session;
    ChecksNamesBeforeUsers => user_changes::unknown_user_is_not_changed;
    KeepsOldNames =>
        user_names::one_user_can_have_equal_username_and_email
        user_names::changing_a_name_frees_the_old_one;
    FreesNamesStillHeld =>
        user_names::name_in_both_fields_is_taken_until_both_change
        user_names::user_can_change_the_spelling_of_a_name
        user_names::user_can_swap_username_and_email;
    RejectsOwnNames =>
        user_names::one_user_can_have_equal_username_and_email
        user_changes::email_in_another_spelling_stays_verified;
    ReturnsTheUserBeforeTheUpdate =>
        user_changes::changed_email_is_unverified
        user_changes::email_stays_verified_when_other_members_change;
    NeverSuspends =>
        user_changes::status_can_be_set_and_reset
        user_sessions::suspending_a_user_ends_every_session;
    AddsRoles =>
        user_members::changed_members_are_returned_as_changed
        user_changes::roles_are_replaced_as_a_whole;

    // passwords
    ChangesAnyVersion =>
        user_passwords::password_in_an_update_counts_a_version
        user_passwords::outdated_version_changes_nothing;
    ChangesUnknownUsers => user_passwords::password_of_an_unknown_user_is_not_changed;
    ComparesVersionsBeforeItWrites => user_passwords::one_of_20_changes_of_one_version_succeeds;
    CountsNoVersions =>
        user_passwords::each_password_change_counts_a_version
        user_sessions::ended_session_keeps_its_first_end;
    CountsVersionsOfUpgrades =>
        user_passwords::other_changes_count_no_version
        session_opening::hash_upgrade_does_not_prevent_a_session;
    UpdatesPasswordsWithoutVersion =>
        user_passwords::password_in_an_update_counts_a_version
        user_sessions::password_in_an_update_ends_every_session;
    UpgradesAnyHash =>
        user_passwords::upgrade_replaces_only_the_hash_it_was_made_for
        user_passwords::one_of_20_hash_upgrades_succeeds;
    ComparesHashesBeforeItWrites =>
        user_passwords::one_of_20_hash_upgrades_succeeds
        user_passwords::upgrade_never_restores_a_changed_password;
    MatchesHashesWithoutCase => user_passwords::upgrade_replaces_only_the_hash_it_was_made_for;

    // users and their sessions
    KeepsSessionsOfChangedPasswords =>
        user_sessions::changing_the_password_ends_every_session
        user_sessions::change_ends_any_number_of_sessions
        user_sessions::ended_session_keeps_its_first_end;
    KeepsSessionsOfSuspendedUsers =>
        user_sessions::suspending_a_user_ends_every_session
        session_members::every_end_reason_is_returned
        session_races::suspension_during_a_refresh_ends_the_session;
    KeepsSessionsOfDeletedUsers =>
        session_opening::concurrent_deletion_leaves_no_session
        session_races::user_deletion_during_a_refresh_deletes_the_session;
    EndsSessionsOfAllUsers =>
        user_sessions::changing_the_password_ends_every_session
        user_sessions::deleting_a_user_deletes_sessions_and_families;
    EndsSessionsWithoutRoleChange =>
        user_sessions::other_changes_end_no_session
        revocation_feed::call_without_effect_ends_no_session;
    KeepsSessionsOfChangedRoles =>
        user_sessions::changing_roles_ends_every_session
        session_opening::concurrent_role_change_leaves_no_live_session;
    EndsSessionsAtUpdates =>
        user_changes::empty_change_changes_nothing
        user_sessions::other_changes_end_no_session;
    EndsSessionsWithoutReason =>
        user_passwords::outdated_version_changes_nothing
        user_sessions::other_changes_end_no_session;
    RevivesSessions => user_sessions::reactivated_user_gets_no_session_back;
    DeletesTwice =>
        user_changes::deleted_user_is_not_found
        user_changes::one_of_10_deletions_of_one_user_succeeds;
    KeepsNamesOfDeletedUsers =>
        user_names::deleting_a_user_frees_both_names
        user_name_races::name_freed_during_a_registration_has_at_most_one_holder;

    // opening sessions
    OpensForOutdatedPasswords =>
        session_opening::outdated_password_opens_no_session
        session_opening::concurrent_password_change_leaves_no_live_session
        session_opening::concurrent_password_update_leaves_no_live_session;
    OpensForSuspendedUsers =>
        session_opening::suspended_user_opens_no_session
        session_opening::concurrent_suspension_leaves_no_live_session;
    OpensForOutdatedRoles =>
        session_opening::outdated_roles_open_no_session
        session_opening::concurrent_role_change_leaves_no_live_session;
    OpensForUnknownUsers => session_opening::deleted_user_opens_no_session;
    RefusesAfterHashUpgrades =>
        session_opening::hash_upgrade_does_not_prevent_a_session;
    RefusesAfterSuspensions => session_opening::suspended_user_opens_no_session;
    ChecksUsersBeforeItOpens =>
        session_opening::concurrent_password_change_leaves_no_live_session
        session_opening::concurrent_deletion_leaves_no_session;
    EndsSessionsForRefusedOnes =>
        session_opening::outdated_password_opens_no_session
        errors::failed_opening_ends_no_other_session;
    OverwritesSessionsWithTheSameId =>
        errors::duplicate_session_id_is_an_error_that_changes_nothing
        errors::duplicate_family_is_an_error_that_changes_nothing;
    HasNoLimit =>
        session_cap::new_session_ends_the_oldest_above_the_limit
        session_cap::limit_of_one_session_is_enforced;
    EndsTheNewest =>
        session_cap::new_session_ends_the_oldest_above_the_limit
        session_cap::oldest_session_is_the_one_created_first;
    EndsTheLeastBusy => session_cap::oldest_session_is_the_one_created_first;
    EndsNewSessionsWithEarlierTimes => session_cap::new_session_with_an_earlier_time_stays_live;
    EndsOneAtMost => session_cap::lowered_limit_ends_all_surplus_sessions;
    CountsExpiredSessions => session_cap::expired_session_does_not_count;
    CountsEndedSessions => session_cap::ended_session_does_not_count;
    CountsToTheSecond => session_cap::session_counts_until_its_last_microsecond;
    CountsSessionsOfAllUsers =>
        session_cap::expired_session_does_not_count
        session_cap::sessions_of_other_users_do_not_count;
    CountsBeforeItOpens => session_cap::concurrently_opened_sessions_respect_the_limit;
    OverflowsOnHugeLimits => session_cap::largest_policy_values_cause_no_error;
    SupersedesAsLoggedOut =>
        session_cap::new_session_ends_the_oldest_above_the_limit
        session_cap::limit_of_one_session_is_enforced;

    // reading sessions
    TruncatesClientIds => session_members::session_is_returned_as_stored;
    TruncatesSessionTimes =>
        session_members::session_is_returned_as_stored
        session_members::earliest_and_latest_times_are_returned
        session_refresh::retry_window_ends_to_the_microsecond;
    HidesEndedFamilies => session_members::session_is_read_by_its_family;
    FindsFamiliesWithTheRegisteredUser => session_members::session_is_read_by_its_family;
    FindsFamiliesWithTheFirstRefresh => session_members::session_is_read_by_its_family;
    FindsSessionsWithTheRegisteredUser =>
        session_members::session_is_returned_with_its_current_user;
    ReplacesTheSuspendedReason =>
        user_sessions::suspending_a_user_ends_every_session
        session_members::every_end_reason_is_returned;
    RewritesTheNilSessionId => session_members::smallest_and_largest_ids_are_returned;
    TruncatesFamilies =>
        session_members::session_is_read_by_its_family
        session_members::session_is_found_only_by_its_whole_family
        session_members::sessions_with_similar_families_are_not_confused
        session_ends::other_client_or_unknown_family_ends_nothing;
    FindsSessionsByCredential => session_members::credential_does_not_find_a_session;
    FindsSessionsByBothDigests => session_chain::credential_outside_the_chain_is_a_replay;
    FailsOnUnknownFamilies => session_members::unknown_session_is_not_found;

    // refresh
    WritesWithoutComparingTheCurrent =>
        session_races::one_of_24_attempts_with_one_credential_rotates
        session_races::later_retry_gets_the_successor_of_the_race
        session_races::concurrent_rotations_respect_the_limit;
    MixesUpTheNonces =>
        session_refresh::retry_returns_the_same_successor_and_changes_nothing
        session_races::later_retry_gets_the_successor_of_the_race;
    RefreshesByRetries =>
        session_refresh::retry_returns_the_same_successor_and_changes_nothing
        session_chain::retry_follows_the_chain_to_the_current_credential
        session_chain::attempt_received_before_the_consumption_is_a_retry;
    RotatesOnRetries => session_refresh::retry_returns_the_same_successor_and_changes_nothing;
    JudgesByTheDefaultPolicy => session_refresh::attempt_is_judged_by_its_own_policy;
    HidesReplayEnds =>
        session_members::every_end_reason_is_returned
        session_races::replay_ends_a_session_during_a_refresh;
    EndsAllSessionsOnReplay => session_refresh::replay_ends_only_its_own_session;
    ReplaysTwice =>
        session_races::one_of_12_replays_ends_the_session
        session_races::replay_ends_a_session_during_a_refresh;
    CountsNoRefresh =>
        session_members::session_is_returned_as_stored
        session_races::concurrent_use_of_a_reusable_credential_succeeds;
    MovesTheExpiry =>
        session_members::session_is_returned_as_stored
        session_refresh::rotation_replaces_the_current_credential;
    RotatesTheReusable =>
        session_refresh::reusable_credential_stays_current_and_extends_the_session
        session_refresh::refresh_extends_the_idle_time_but_not_the_expiry
        session_races::concurrent_use_of_a_reusable_credential_succeeds;
    EndsOnOtherClients => session_refresh::other_client_is_refused_and_changes_nothing;
    EndsExpiredSessions =>
        session_refresh::attempt_is_judged_by_its_own_policy
        session_refresh::session_that_is_not_live_is_refused_and_unchanged;
    ReturnsTheSessionAfterTheRefresh =>
        session_refresh::rotation_replaces_the_current_credential;
    ReturnsTheRegisteredUserOnRefresh => session_refresh::record_contains_the_current_user;
    DropsALink =>
        session_chain::chain_is_returned_as_stored
        session_chain::retry_follows_the_chain_to_the_current_credential;
    ReadsTheChainBackwards =>
        session_chain::chain_is_returned_as_stored
        session_chain::chain_does_not_grow_with_the_rotations
        session_chain::retry_follows_the_chain_to_the_current_credential;
    ReadsTheNewestLinkOnly =>
        session_chain::chain_is_returned_as_stored
        session_chain::retry_follows_the_chain_to_the_current_credential
        session_races::duplicates_during_a_rotation_are_retries;
    ReadsSixteenLinks => session_chain::chain_is_returned_as_stored;
    TruncatesTimesOfLinks =>
        session_refresh::rotation_replaces_the_current_credential
        session_chain::chain_is_returned_as_stored
        session_chain::every_byte_of_a_chain_is_returned;
    UnescapesBackslashes => session_chain::every_byte_of_a_chain_is_returned;
    KeepsEveryLink =>
        session_chain::rotation_stores_the_chain_of_its_verdict
        session_chain::chain_does_not_grow_with_the_rotations
        session_ends::purge_erases_consumed_credentials_of_idle_sessions;
    ErasesLinksOfOtherSessions => session_chain::credentials_of_other_sessions_are_unchanged;
    ExtendsThrottledSessions => session_chain::denied_rotation_changes_nothing;
    ExtendsOnClocksBehind => session_chain::clock_that_is_behind_changes_nothing;
    JudgesByTheTimeOfWriting =>
        session_chain::rotation_stores_the_chain_of_its_verdict
        session_chain::clock_that_is_behind_changes_nothing;
    ReplaysEarlyRequests => session_chain::attempt_received_before_the_consumption_is_a_retry;
    LosesEndsInRefreshes =>
        session_races::session_ended_during_a_refresh_is_over
        session_races::session_ended_by_family_during_a_refresh_is_over
        session_races::password_change_during_a_refresh_ends_the_session;
    LeavesFamiliesBehind =>
        session_races::concurrent_calls_for_one_user_cause_no_error
        session_ends::family_is_purged_with_its_session;

    // ending and purging sessions
    EndsTwice =>
        session_ends::session_ends_once_and_keeps_its_first_end
        session_ends::one_of_12_ends_of_one_session_succeeds;
    KeepsTheLastEnd =>
        session_ends::session_ends_once_and_keeps_its_first_end
        session_ends::one_of_12_ends_of_one_session_succeeds;
    EndsAllSessionsOfTheUser =>
        user_sessions::ended_session_keeps_its_first_end
        session_ends::ending_a_session_leaves_the_others_live;
    ChecksEndsBeforeItWrites =>
        session_ends::one_of_12_ends_of_one_session_succeeds
        session_races::end_during_a_change_of_the_user_is_kept;
    ReturnsEndedSessionsAsTheyWere =>
        session_ends::session_ends_once_and_keeps_its_first_end
        session_ends::family_ends_its_session_after_any_rotations;
    EndsUnrefreshedFamiliesOnly =>
        session_races::session_ended_by_family_during_a_refresh_is_over
        session_ends::family_ends_its_session_after_any_rotations;
    EndsForAnyClient => session_ends::other_client_or_unknown_family_ends_nothing;
    ReportsEndsByFamilyTwice => session_ends::session_ends_once_and_keeps_its_first_end;
    PurgesNoIdleSessions =>
        session_ends::only_sessions_that_are_not_live_are_purged
        session_ends::purge_respects_the_limit;
    PurgesToTheSecond =>
        session_ends::only_sessions_that_are_not_live_are_purged
        session_ends::purge_respects_the_limit;
    PurgesWithoutLimit => session_ends::purge_respects_the_limit session_ends::erasing_respects_the_limit;
    KeepsFamiliesOfPurgedSessions => session_ends::family_is_purged_with_its_session;
    ErasesNothing =>
        session_ends::purge_erases_consumed_credentials_of_idle_sessions
        session_ends::erasing_respects_the_limit;
    ErasesBeforeTheWindowEnds => session_ends::purge_erases_consumed_credentials_of_idle_sessions;
    ErasesTheCurrent => session_ends::purge_erases_consumed_credentials_of_idle_sessions;
    PurgesNothing =>
        session_ends::only_sessions_that_are_not_live_are_purged
        session_ends::family_is_purged_with_its_session
        session_ends::purge_erases_consumed_credentials_of_idle_sessions;

    // revocation feed
    ReportsEverySessionLive =>
        revocation_feed::ended_session_is_not_live
        revocation_feed::superseded_session_is_not_live
        revocation_feed::sessions_ended_by_a_user_change_are_not_live;
    ReportsEverySessionEnded =>
        revocation_feed::superseded_session_is_not_live
        revocation_feed::sessions_ended_by_a_user_change_are_not_live
        revocation_feed::live_session_is_not_reported_as_ended
        revocation_feed::call_without_effect_ends_no_session;
    MissesDeletions => revocation_feed::sessions_ended_by_a_user_change_are_not_live;

    // API keys
    DropsExpiries =>
        api_keys::key_is_returned_as_stored
        api_keys::expired_and_revoked_keys_are_found;
    DropsScopes =>
        api_keys::key_is_found_only_by_the_digest_of_its_secret
        api_keys::keys_are_listed_oldest_first;
    TruncatesKeyTimes =>
        api_keys::key_is_returned_as_stored
        api_keys::expired_and_revoked_keys_are_found;
    TruncatesKeyDigests => api_keys::key_is_found_only_by_the_digest_of_its_secret;
    HidesRevokedKeys =>
        api_keys::key_is_revoked_once_and_keeps_the_first_time
        api_keys::use_and_revocation_are_independent;
    ListsKeysNewestFirst => api_keys::keys_are_listed_oldest_first;
    RevokesTwice =>
        api_keys::key_is_revoked_once_and_keeps_the_first_time
        api_keys::one_of_10_revocations_of_one_key_succeeds;
    RevokesEveryKey =>
        api_keys::expired_and_revoked_keys_are_found
        api_keys::key_is_revoked_once_and_keeps_the_first_time;
    ChecksRevocationsBeforeItWrites => api_keys::one_of_10_revocations_of_one_key_succeeds;
    KeepsTheLastReportedUse =>
        api_keys::latest_time_of_use_is_kept
        api_keys::latest_of_concurrent_times_of_use_is_kept;
    ReadsUsesBeforeItWrites => api_keys::latest_of_concurrent_times_of_use_is_kept;
    MarksEveryKey =>
        api_keys::latest_time_of_use_is_kept
        api_keys::use_and_revocation_are_independent;
    IgnoresUseOfRevokedKeys => api_keys::use_and_revocation_are_independent;
    OverwritesKeysWithTheSameId =>
        errors::duplicate_api_key_is_an_error_that_changes_nothing;

    // audit events
    DropsDetails => audit_events::event_is_returned_as_appended;
    DropsCounts => audit_events::event_is_returned_as_appended;
    DropsAddresses => audit_events::event_is_returned_as_appended;
    TruncatesEventTimes => audit_events::event_is_returned_as_appended;
    TruncatesRequestIds => audit_events::event_is_returned_as_appended;
    ReplacesADenialReason => audit_events::every_action_and_denial_reason_is_returned;
    ListsEventsByTime => audit_events::pages_list_every_event_once_in_append_order;
    ListsTheLastEventAgain => audit_events::pages_list_every_event_once_in_append_order;
    ListsTheLatestFirst => audit_events::latest_events_are_in_ascending_order;
    IgnoresTheActionFilter => audit_events::filter_selects_exactly_the_matching_events;
    ExcludesTheFirstMoment => audit_events::filter_selects_exactly_the_matching_events;
    DeletesEventsWithTheirUser => audit_events::event_outlives_its_user;
    PurgesEventsOfTheGivenTime =>
        audit_events::purge_deletes_only_earlier_events_up_to_the_limit;
    PurgesEventsWithoutLimit =>
        audit_events::purge_deletes_only_earlier_events_up_to_the_limit;
    ReusesEventNumbers => audit_events::number_of_a_purged_event_is_not_reused;
    ShowsEventsOutOfOrder => audit_events::reader_misses_no_event_of_concurrent_writers;
    AppendsEventsOneByOne => audit_events::reader_misses_no_event_of_concurrent_writers;
}
