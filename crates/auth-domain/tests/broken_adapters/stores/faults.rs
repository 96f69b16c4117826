//! Every promise that [`Broken`](super::Broken) can break, and the cases that must notice.

macro_rules! faults {
    ($($fault:ident => $($group:ident :: $case:ident)+;)*) => {
        /// Which promise the store breaks, in the words of somebody who finds the bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            /// None: the control.
            None,
            $($fault),*
        }

        /// Each fault with the cases that must notice it. Others may notice it as well.
        pub(crate) const NOTICED_BY: &[(Fault, &[&str])] = &[
            $((Fault::$fault, &[$(concat!(stringify!($group), "::", stringify!($case))),+])),*
        ];
    };
}

faults! {
    // everything
    FaultsWhenCallsMeet =>
        session_races::sessions_of_one_user_refresh_at_once
        session_races::whatever_happens_to_one_user_at_once_meets_no_fault;

    // registering
    DropsDisplayNames =>
        user_members::a_user_with_every_member_is_given_back_as_stored
        user_members::each_member_that_may_be_absent_is_stored_alone;
    DropsPhoneNumbers =>
        user_members::a_user_with_every_member_is_given_back_as_stored
        user_members::each_member_that_may_be_absent_is_stored_alone;
    DropsRoles =>
        user_members::a_user_with_every_member_is_given_back_as_stored
        user_members::each_member_that_may_be_absent_is_stored_alone;
    DropsEmails => user_members::a_user_with_every_member_is_given_back_as_stored;
    CutsNames => user_members::the_longest_members_are_given_back_as_stored;
    CutsHashes => user_members::the_longest_members_are_given_back_as_stored;
    CutsTimesToMilliseconds =>
        user_members::a_user_with_nothing_but_a_username_is_given_back_as_stored
        user_members::times_are_given_back_to_the_microsecond;
    CutsTimesAtYear2100 => user_members::times_are_given_back_to_the_microsecond;
    StoresNamesFolded =>
        user_members::a_user_with_every_member_is_given_back_as_stored
        user_members::names_are_given_back_as_they_were_typed;
    ReadsNumbersIntoNames => user_members::text_that_means_something_to_a_database_is_given_back_as_stored;
    RewritesTheLeastId => user_members::the_least_and_the_greatest_ids_are_given_back;
    NumbersFromZero => user_numbers::numbers_are_at_least_1_and_below_2_to_the_53;
    NumbersAllAlike =>
        user_numbers::each_number_is_greater_than_those_before
        user_numbers::users_who_register_at_once_have_different_numbers;
    ReusesNumbers =>
        user_numbers::the_number_of_a_deleted_user_is_never_given_again
        user_numbers::numbers_are_not_given_again_when_everybody_is_deleted;
    TakesNamesBySpelling =>
        user_names::a_username_is_taken_in_every_spelling
        user_names::an_email_is_taken_in_every_spelling;
    TakesUsernamesAndEmailsApart =>
        user_names::usernames_and_emails_share_one_space
        user_name_races::registrations_with_crossed_names_meet_no_fault_and_one_succeeds;
    LetsNobodyHaveOneNameTwice =>
        user_names::one_name_in_both_fields_of_one_user_is_no_conflict
        user_names::a_name_in_both_fields_stays_taken_until_both_have_changed;
    NamesTheEmailFirst => user_names::when_both_names_are_taken_the_username_is_named;
    RegistersHalfOfIt =>
        user_names::a_refused_registration_leaves_nothing_behind
        user_name_races::of_50_registrations_of_one_name_exactly_one_succeeds;
    ChecksNamesBeforeItWrites =>
        user_name_races::of_20_changes_to_one_name_exactly_one_succeeds
        user_name_races::of_a_registration_and_a_change_to_one_name_exactly_one_succeeds
        user_name_races::changes_to_crossed_names_meet_no_fault_and_one_succeeds;
    FaultsWhenNamesAreWaitedFor =>
        user_name_races::registrations_with_crossed_names_meet_no_fault_and_one_succeeds
        user_name_races::two_who_want_each_others_names_are_refused_without_a_fault;
    OverwritesUsersOfTheSameId => faults::a_user_with_anothers_id_is_a_fault_that_changes_nothing;

    // importing
    DropsImportedStatuses => user_imports::an_imported_user_is_given_back_as_brought;
    UnverifiesImportedEmails => user_imports::an_imported_user_is_given_back_as_brought;
    CutsImportedHashes => user_imports::an_imported_user_is_given_back_as_brought;
    ImportsInTheOrderOfNames => user_imports::imported_users_are_numbered_in_their_order;
    KnowsImportsByTheirNames =>
        user_imports::a_user_who_was_imported_is_known_whatever_has_changed
        user_imports::names_that_meet_in_a_batch_are_the_firsts;
    KnowsImportsByTheirHashes => user_imports::a_user_who_was_imported_is_known_whatever_has_changed;
    BringsBackImportedHashes => user_imports::a_user_who_was_imported_is_known_whatever_has_changed;
    RefusesWholeBatches => user_imports::a_batch_is_imported_but_for_those_whose_names_are_taken;
    KeepsNamesOfRefusedImports => user_imports::a_batch_is_imported_but_for_those_whose_names_are_taken;
    KnowsTheDeleted => user_imports::who_was_imported_and_deleted_is_imported_again;
    LooksForNamesBeforeItImports =>
        user_imports::of_imports_of_one_batch_at_once_each_user_is_stored_once
        user_imports::of_an_import_and_a_registration_of_one_name_exactly_one_succeeds;

    // reading users
    FindsByPatterns => user_members::who_is_not_there_is_not_found user_names::names_that_differ_are_free;
    FindsForLoginByUsernameOnly =>
        user_members::a_user_with_nothing_but_an_email_is_given_back_as_stored
        user_names::a_user_is_found_by_each_of_their_names_in_every_spelling;
    FindsUsersAsTheyRegistered =>
        user_members::a_changed_member_is_given_back_as_changed
        session_refresh::a_record_tells_the_user_as_they_are_now;
    ShowsStrangers => user_recency::a_user_is_shown_as_they_are_stored;
    RemembersWhomItHasShown => user_recency::a_change_is_shown_at_once user_recency::a_deleted_user_is_not_shown;
    RemembersWhomItHasNotFound =>
        user_recency::whoever_registers_is_shown_though_they_were_looked_for_before;
    ListsTheNumberItself =>
        user_lists::pages_meet_every_user_once_in_ascending_order
        user_lists::a_page_holds_as_many_as_asked_for_and_no_more;
    ListsNewestFirst =>
        user_lists::pages_meet_every_user_once_in_ascending_order
        user_lists::a_page_holds_as_many_as_asked_for_and_no_more;
    ListsOneTooMany =>
        user_lists::a_page_holds_as_many_as_asked_for_and_no_more
        user_lists::a_deleted_user_is_not_listed_and_the_next_page_begins_after_them;
    ListsNothingAfterAGap =>
        user_lists::a_page_begins_after_any_number_given
        user_lists::a_deleted_user_is_not_listed_and_the_next_page_begins_after_them;
    FaultsOnHugeNumbers =>
        user_members::who_is_not_there_is_not_found
        user_lists::a_page_begins_after_any_number_given;

    // changing users
    IgnoresTheNewDisplayName =>
        user_changes::each_member_changes_alone
        user_changes::all_members_change_together;
    IgnoresTheNewPhoneNumber =>
        user_changes::each_member_changes_alone
        user_changes::all_members_change_together;
    IgnoresTheNewUsername => user_changes::each_member_changes_alone;
    IgnoresTheNewEmail => user_changes::each_member_changes_alone user_changes::a_changed_email_is_unverified;
    KeepsChangedEmailsVerified => user_changes::a_changed_email_is_unverified;
    UnverifiesEmailsInAnotherSpelling =>
        user_names::a_refused_change_leaves_everything_as_it_was
        user_changes::an_email_in_another_spelling_stays_verified;
    UnverifiesEmailsAtEveryChange => user_changes::an_email_stays_verified_when_something_else_changes;
    ChangesHalfOfIt => user_names::a_refused_change_leaves_everything_as_it_was;
    ChangesEverybody =>
        user_changes::each_member_changes_alone
        user_sessions::a_password_changed_with_other_members_ends_every_session;
    LooksForNamesBeforeUsers => user_changes::an_absent_user_is_not_changed;
    KeepsOldNames =>
        user_names::one_name_in_both_fields_of_one_user_is_no_conflict
        user_names::a_changed_name_frees_the_old_one;
    FreesNamesStillHeld =>
        user_names::a_name_in_both_fields_stays_taken_until_both_have_changed
        user_names::a_user_may_change_the_spelling_of_a_name
        user_names::a_user_may_swap_username_and_email;
    RefusesOwnNames =>
        user_names::one_name_in_both_fields_of_one_user_is_no_conflict
        user_changes::an_email_in_another_spelling_stays_verified;
    AnswersUpdatesWithTheOldUser =>
        user_changes::a_changed_email_is_unverified
        user_changes::an_email_stays_verified_when_something_else_changes;
    NeverSuspends =>
        user_changes::a_status_is_set_and_set_back
        user_sessions::suspending_a_user_ends_every_session;
    AddsRoles =>
        user_members::a_changed_member_is_given_back_as_changed
        user_changes::roles_are_replaced_as_a_whole;

    // passwords
    ChangesAnyVersion =>
        user_passwords::a_password_changed_with_other_members_counts_a_new_version
        user_passwords::a_change_by_an_outdated_version_changes_nothing;
    ChangesTheAbsent => user_passwords::an_absent_users_password_is_not_changed;
    ComparesVersionsBeforeItWrites => user_passwords::of_20_changes_of_one_version_exactly_one_succeeds;
    CountsNoVersions =>
        user_passwords::each_change_of_a_password_counts_a_new_version
        user_sessions::a_session_that_had_ended_keeps_its_end;
    CountsVersionsOfBetterHashes =>
        user_passwords::what_is_no_change_of_the_password_counts_no_version
        session_opening::a_better_hash_of_the_proven_password_does_not_stand_against_it;
    UpdatesPasswordsWithoutVersion =>
        user_passwords::a_password_changed_with_other_members_counts_a_new_version
        user_sessions::a_password_changed_with_other_members_ends_every_session;
    UpgradesAnyHash =>
        user_passwords::a_better_hash_replaces_the_one_it_was_made_for_and_no_other
        user_passwords::of_20_better_hashes_exactly_one_is_taken;
    ComparesHashesBeforeItWrites =>
        user_passwords::of_20_better_hashes_exactly_one_is_taken
        user_passwords::a_better_hash_never_brings_back_a_changed_password;
    MatchesHashesWithoutCase => user_passwords::a_better_hash_replaces_the_one_it_was_made_for_and_no_other;

    // users and their sessions
    KeepsSessionsOfChangedPasswords =>
        user_sessions::a_changed_password_ends_every_session_of_its_user
        user_sessions::a_session_that_had_ended_keeps_its_end;
    KeepsSessionsOfTheSuspended =>
        user_sessions::suspending_a_user_ends_every_session
        session_members::every_way_to_end_is_given_back
        session_races::a_session_whose_user_is_suspended_while_it_is_refreshed_is_over;
    KeepsSessionsOfTheDeleted =>
        session_opening::a_deletion_at_the_same_time_leaves_no_session
        session_races::a_session_whose_user_is_deleted_while_it_is_refreshed_is_gone;
    EndsSessionsOfEverybody =>
        user_sessions::a_changed_password_ends_every_session_of_its_user
        user_sessions::deleting_a_user_deletes_their_sessions_and_credentials;
    EndsSessionsThoughRolesStay =>
        user_sessions::what_is_no_change_of_password_roles_or_status_ends_no_session
        revocation_feed::what_was_refused_has_ended_nothing;
    KeepsSessionsOfChangedRoles =>
        user_sessions::changed_roles_end_every_session_of_their_user
        session_opening::roles_changed_at_the_same_time_leave_no_session_live;
    EndsSessionsAtUpdates =>
        user_changes::changing_nothing_changes_nothing
        user_sessions::what_is_no_change_of_password_roles_or_status_ends_no_session;
    EndsSessionsForNoReason =>
        user_passwords::a_change_by_an_outdated_version_changes_nothing
        user_sessions::what_is_no_change_of_password_roles_or_status_ends_no_session;
    RevivesSessions => user_sessions::a_user_who_may_log_in_again_gets_no_session_back;
    DeletesTwice =>
        user_changes::a_deleted_user_is_gone
        user_changes::of_10_deletions_of_one_user_exactly_one_succeeds;
    KeepsNamesOfTheDeleted =>
        user_names::a_deleted_user_frees_their_names
        user_name_races::a_name_that_is_freed_and_wanted_has_one_holder_or_none;

    // opening
    OpensForOldPasswords =>
        session_opening::a_changed_password_opens_nothing
        session_opening::a_password_changed_at_the_same_time_leaves_no_session_live
        session_opening::a_password_changed_with_other_members_at_the_same_time_leaves_no_session_live;
    OpensForTheSuspended =>
        session_opening::a_suspended_user_opens_nothing
        session_opening::a_suspension_at_the_same_time_leaves_no_session_live;
    OpensForOldRoles =>
        session_opening::changed_roles_open_nothing
        session_opening::roles_changed_at_the_same_time_leave_no_session_live;
    OpensForNobody => session_opening::who_is_gone_opens_nothing;
    RefusesAfterBetterHashes =>
        session_opening::a_better_hash_of_the_proven_password_does_not_stand_against_it;
    RefusesAfterSuspensions => session_opening::a_suspended_user_opens_nothing;
    ChecksUsersBeforeItOpens =>
        session_opening::a_password_changed_at_the_same_time_leaves_no_session_live
        session_opening::a_deletion_at_the_same_time_leaves_no_session;
    MakesRoomForTheRefused =>
        session_opening::a_changed_password_opens_nothing
        faults::a_session_with_anothers_credential_is_a_fault_that_changes_nothing;
    OverwritesSessionsOfTheSameId =>
        faults::a_session_with_anothers_id_is_a_fault_that_changes_nothing
        faults::a_session_with_anothers_credential_is_a_fault_that_changes_nothing;
    HasNoLimit =>
        session_cap::the_oldest_session_makes_room_for_a_new_one
        session_cap::one_session_at_a_time_is_kept_to;
    EndsTheNewest =>
        session_cap::the_oldest_session_makes_room_for_a_new_one
        session_cap::the_oldest_is_the_one_that_began_first_however_busy;
    EndsTheLeastBusy => session_cap::the_oldest_is_the_one_that_began_first_however_busy;
    EndsTheNewByASlowClock => session_cap::a_session_that_begins_by_a_slow_clock_is_not_the_one_that_ends;
    EndsOneAtMost => session_cap::a_lowered_limit_ends_as_many_as_are_too_many;
    CountsSessionsThatAreOver => session_cap::a_session_that_ended_by_itself_takes_no_room;
    CountsSessionsThatEnded => session_cap::a_session_that_was_ended_takes_no_room;
    CountsToTheSecond => session_cap::a_session_in_its_last_microsecond_takes_room;
    CountsSessionsOfEverybody =>
        session_cap::a_session_that_ended_by_itself_takes_no_room
        session_cap::sessions_of_others_take_no_room;
    CountsBeforeItOpens => session_cap::sessions_opened_at_once_keep_to_the_limit;
    OverflowsOnHugeLimits => session_cap::limits_beyond_all_bounds_are_no_fault;
    SupersedesAsLoggedOut =>
        session_cap::the_oldest_session_makes_room_for_a_new_one
        session_cap::one_session_at_a_time_is_kept_to;

    // reading sessions
    CutsClientIds => session_members::every_member_of_a_session_is_given_back_as_stored;
    CutsSessionTimes =>
        session_members::every_member_of_a_session_is_given_back_as_stored
        session_members::the_earliest_and_the_latest_times_are_given_back
        session_refresh::the_grace_for_a_retry_ends_to_the_microsecond;
    FindsSessionsWithTheirUserAsItWas =>
        session_members::a_session_is_given_back_with_its_user_as_they_are_now;
    KnowsReasonsByHalf =>
        user_sessions::suspending_a_user_ends_every_session
        session_members::every_way_to_end_is_given_back;
    RewritesTheLeastSessionId => session_members::the_least_and_the_greatest_ids_are_given_back;
    FindsCredentialsByHalf => session_members::a_credential_is_known_by_its_digest_and_by_nothing_else;
    FaultsOnUnknownCredentials => session_members::what_is_not_there_is_not_found;

    // refreshing
    LetsTwoRotate => session_races::of_24_attempts_with_one_credential_exactly_one_rotates;
    AnswersRetriesWithAnotherNonce =>
        session_refresh::a_retry_is_answered_with_the_same_successor_and_changes_nothing
        session_races::a_retry_after_the_race_is_answered_as_in_the_race;
    RefreshesByRetries => session_refresh::a_retry_is_answered_with_the_same_successor_and_changes_nothing;
    StoresSuccessorsOfRetries =>
        session_refresh::what_a_retry_offers_as_successor_is_not_stored
        session_races::of_24_attempts_with_one_credential_exactly_one_rotates;
    RemembersNonces => session_refresh::a_nonce_is_forgotten_once_the_successor_is_used;
    ForgetsNoncesOfOtherSessions => session_refresh::nonces_of_other_sessions_are_kept;
    JudgesByTheDefaultPolicy => session_refresh::an_attempt_is_judged_by_the_policy_it_brings;
    ForgetsReplays =>
        session_members::every_way_to_end_is_given_back
        session_races::a_replay_ends_a_session_that_is_refreshed_at_the_same_time;
    EndsAllSessionsOnReplay => session_refresh::a_replay_ends_its_session_and_no_other;
    ReplaysTwice =>
        session_races::of_many_replays_at_once_one_ends_the_session
        session_races::a_replay_ends_a_session_that_is_refreshed_at_the_same_time;
    CountsNoRefresh =>
        session_members::every_member_of_a_session_is_given_back_as_stored
        session_races::one_reusable_credential_extends_for_all_at_once;
    MovesTheExpiry =>
        session_members::every_member_of_a_session_is_given_back_as_stored
        session_refresh::a_current_credential_is_used_up_and_its_successor_takes_its_place;
    RotatesTheReusable =>
        session_refresh::a_reusable_credential_stays_and_extends_its_session
        session_refresh::a_refreshed_session_outlives_its_idle_time_but_not_its_expiry
        session_races::one_reusable_credential_extends_for_all_at_once;
    EndsOnOtherClients => session_refresh::another_client_is_refused_and_changes_nothing;
    EndsWhatIsOver =>
        session_refresh::an_attempt_is_judged_by_the_policy_it_brings
        session_refresh::a_session_that_is_over_is_refused_and_changes_nothing;
    TellsTheSessionAsItBecame =>
        session_refresh::a_current_credential_is_used_up_and_its_successor_takes_its_place;
    TellsTheUserAsTheyWere => session_refresh::a_record_tells_the_user_as_they_are_now;
    LosesEndsInRefreshes =>
        session_races::a_session_that_is_ended_while_it_is_refreshed_is_over
        session_races::a_session_that_is_ended_by_its_credential_while_it_is_refreshed_is_over
        session_races::a_session_whose_password_is_changed_while_it_is_refreshed_is_over;
    LeavesCredentialsBehind =>
        session_races::whatever_happens_to_one_user_at_once_meets_no_fault
        session_ends::credentials_are_purged_with_their_session;

    // ending and purging
    EndsTwice =>
        session_ends::a_session_ends_once_and_the_first_end_stays
        session_ends::of_12_ends_of_one_session_exactly_one_succeeds;
    KeepsTheLastEnd =>
        session_ends::a_session_ends_once_and_the_first_end_stays
        session_ends::of_12_ends_of_one_session_exactly_one_succeeds;
    EndsAllOfAUser =>
        user_sessions::a_session_that_had_ended_keeps_its_end
        session_ends::ending_a_session_leaves_the_others_alone;
    ChecksEndsBeforeItWrites => session_ends::of_12_ends_of_one_session_exactly_one_succeeds;
    ReturnsEndedSessionsAsTheyWere =>
        session_ends::a_session_ends_once_and_the_first_end_stays
        session_ends::a_session_ends_by_its_current_credential_and_by_a_consumed_one;
    EndsByCurrentCredentialsOnly =>
        session_races::a_session_that_is_ended_by_its_credential_while_it_is_refreshed_is_over
        session_ends::a_session_ends_by_its_current_credential_and_by_a_consumed_one;
    EndsForAnyClient => session_ends::another_client_and_an_unknown_credential_end_nothing;
    AnswersEndsByCredentialTwice => session_ends::a_session_ends_once_and_the_first_end_stays;
    PurgesNoIdleSessions =>
        session_ends::only_sessions_that_are_over_are_purged
        session_ends::no_more_are_purged_than_the_limit;
    PurgesToTheSecond =>
        session_ends::only_sessions_that_are_over_are_purged
        session_ends::no_more_are_purged_than_the_limit;
    PurgesWithoutLimit => session_ends::no_more_are_purged_than_the_limit;
    PurgesNothing =>
        session_ends::only_sessions_that_are_over_are_purged
        session_ends::credentials_are_purged_with_their_session
        session_ends::a_session_with_more_credentials_than_the_limit_is_purged;

    // knowing of ends
    TakesEverySessionForLive =>
        revocation_feed::a_session_that_was_ended_is_not_live
        revocation_feed::a_session_that_made_room_is_not_live
        revocation_feed::sessions_that_ended_with_their_user_are_not_live;
    TakesEverySessionForEnded =>
        revocation_feed::a_session_that_made_room_is_not_live
        revocation_feed::sessions_that_ended_with_their_user_are_not_live
        revocation_feed::a_session_that_goes_on_has_not_ended
        revocation_feed::what_was_refused_has_ended_nothing;
    NoticesNoDeletion => revocation_feed::sessions_that_ended_with_their_user_are_not_live;

    // API keys
    DropsExpiries =>
        api_keys::every_member_of_a_key_is_given_back_as_stored
        api_keys::a_key_is_found_when_it_serves_no_longer;
    DropsScopes =>
        api_keys::a_key_is_found_by_the_digest_of_its_secret_and_by_nothing_else
        api_keys::keys_are_listed_oldest_first;
    CutsKeyTimes =>
        api_keys::every_member_of_a_key_is_given_back_as_stored
        api_keys::a_key_is_found_when_it_serves_no_longer;
    FindsKeysByHalf => api_keys::a_key_is_found_by_the_digest_of_its_secret_and_by_nothing_else;
    HidesRevokedKeys =>
        api_keys::a_key_is_revoked_once_and_the_first_time_stays
        api_keys::use_and_revocation_leave_each_other_alone;
    ListsKeysNewestFirst => api_keys::keys_are_listed_oldest_first;
    RevokesTwice =>
        api_keys::a_key_is_revoked_once_and_the_first_time_stays
        api_keys::of_10_revocations_of_one_key_exactly_one_succeeds;
    RevokesEveryKey =>
        api_keys::a_key_is_found_when_it_serves_no_longer
        api_keys::a_key_is_revoked_once_and_the_first_time_stays;
    ChecksRevocationsBeforeItWrites => api_keys::of_10_revocations_of_one_key_exactly_one_succeeds;
    KeepsTheLastUse =>
        api_keys::the_latest_of_the_times_a_key_was_used_is_kept
        api_keys::the_latest_of_times_noted_at_once_is_kept;
    ReadsUsesBeforeItWrites => api_keys::the_latest_of_times_noted_at_once_is_kept;
    MarksEveryKey =>
        api_keys::the_latest_of_the_times_a_key_was_used_is_kept
        api_keys::use_and_revocation_leave_each_other_alone;
    MarksNoRevokedKey => api_keys::use_and_revocation_leave_each_other_alone;
    OverwritesKeysOfTheSameId =>
        faults::an_api_key_with_anothers_id_or_secret_is_a_fault_that_changes_nothing;

    // the audit trail
    DropsDetails => audit_events::every_member_of_an_event_is_given_back_as_stored;
    DropsAddresses => audit_events::every_member_of_an_event_is_given_back_as_stored;
    CutsEventTimes => audit_events::every_member_of_an_event_is_given_back_as_stored;
    CutsRequestIds => audit_events::every_member_of_an_event_is_given_back_as_stored;
    KnowsReasonsOfDenialByHalf => audit_events::every_action_and_every_reason_is_given_back;
    ListsEventsByTime => audit_events::pages_meet_every_event_once_in_the_order_of_appending;
    ListsTheLastEventAgain => audit_events::pages_meet_every_event_once_in_the_order_of_appending;
    ListsTheLatestFirst => audit_events::the_latest_events_come_in_ascending_order;
    FiltersByNoAction => audit_events::a_filter_lets_pass_what_it_asks_for_and_nothing_else;
    FiltersTheFirstMomentOut => audit_events::a_filter_lets_pass_what_it_asks_for_and_nothing_else;
    DeletesEventsWithTheirUser => audit_events::an_event_outlives_its_user;
    PurgesEventsOfThatTime =>
        audit_events::only_events_from_before_are_purged_and_no_more_than_the_limit;
    PurgesEventsWithoutLimit =>
        audit_events::only_events_from_before_are_purged_and_no_more_than_the_limit;
    ReusesEventNumbers => audit_events::the_number_of_a_purged_event_is_never_given_again;
    ShowsEventsOutOfOrder => audit_events::who_reads_on_from_the_last_event_misses_none;
    AppendsEventsOneByOne => audit_events::who_reads_on_from_the_last_event_misses_none;
}
