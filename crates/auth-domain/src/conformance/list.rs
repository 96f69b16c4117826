//! The list of all cases, by group and by the tested line of a contract: the port, and the words after its MUST. A case function
//! that is not listed is dead code, which the lints reject.

/// Passes all cases of a suite to the macro that `$then` names.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    (stores => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            user_members [
                UserRepository "return every member of a user" [
                    full_user_is_returned_as_stored
                    username_only_user_is_returned_as_stored
                    email_only_user_is_returned_as_stored
                    each_optional_member_is_stored_on_its_own
                    user_without_a_password_is_returned_as_stored
                    longest_members_are_returned_as_stored
                    names_keep_their_typed_spelling
                    display_names_of_every_script_are_returned_as_stored
                    metadata_is_returned_byte_by_byte
                    text_with_database_syntax_is_returned_as_stored
                    times_keep_their_microseconds
                    smallest_and_largest_ids_are_returned
                    changed_members_are_returned_as_changed
                ]
                UserRepository "find a user by" [
                    unknown_user_is_not_found
                ]
            ]
            user_numbers [
                UserRepository "assign each user a unique number" [
                    numbers_are_at_least_1_and_below_2_to_the_53
                    each_number_exceeds_all_earlier_numbers
                    number_of_a_deleted_user_is_not_reused
                    numbers_are_not_reused_when_all_users_are_deleted
                    concurrent_registrations_get_different_numbers
                ]
            ]
            user_names [
                UserRepository "find a user by" [
                    user_is_found_by_each_name_in_every_spelling
                ]
                UserRepository "keep identifiers unique" [
                    username_is_taken_in_every_spelling
                    email_is_taken_in_every_spelling
                    usernames_and_emails_share_one_namespace
                    different_names_are_free
                    accents_distinguish_names
                    username_conflict_is_reported_before_email_conflict
                    one_user_can_have_equal_username_and_email
                    user_can_change_the_spelling_of_a_name
                    user_can_swap_username_and_email
                ]
                UserRepository "release the identifiers" [
                    name_in_both_fields_is_taken_until_both_change
                    changing_a_name_frees_the_old_one
                    deleting_a_user_frees_both_names
                ]
                UserRepository "change nothing when it reports" [
                    rejected_registration_stores_nothing
                    rejected_change_changes_nothing
                ]
            ]
            user_name_races [
                UserRepository "keep identifiers unique" [
                    one_of_50_registrations_of_one_name_succeeds
                    one_of_20_changes_to_one_name_succeeds
                    one_of_registration_and_change_to_one_name_succeeds
                    one_of_import_and_change_to_one_name_succeeds
                    one_of_6_registrations_with_crossed_names_succeeds
                    one_of_2_changes_to_crossed_names_succeeds
                    swap_of_names_between_users_is_rejected_without_error
                ]
                UserRepository "release the identifiers" [
                    name_freed_during_a_registration_has_at_most_one_holder
                ]
            ]
            user_imports [
                UserRepository "keep external ids unique" [
                    imported_external_id_is_found_and_unique
                    concurrent_imports_store_each_external_id_once
                ]
                UserRepository "return every member of a user" [
                    imported_user_may_have_no_password
                    imported_user_is_returned_as_imported
                ]
                UserRepository "return from `find_import_state`" [
                    import_state_predicts_the_import
                ]
                UserRepository "assign each user a unique number" [
                    imported_users_are_numbered_in_batch_order
                ]
                UserRepository "recognise imported users" [
                    imported_user_is_recognised_after_any_change
                    concurrent_imports_store_each_user_once
                ]
                UserRepository "decide on an imported batch" [
                    batch_skips_only_users_with_taken_names
                    first_user_of_a_batch_gets_a_repeated_name
                    one_of_import_and_registration_of_one_name_succeeds
                    batch_of_300_users_is_stored
                ]
                UserRepository "delete a user with all dependent data" [
                    deleted_user_can_be_imported_again
                ]
            ]
            user_lists [
                UserRepository "list users in ascending order" [
                    pages_list_every_user_once_in_ascending_order
                    page_is_filled_up_to_the_limit
                    page_starts_after_any_given_number
                    page_can_start_after_a_deleted_user
                    pages_of_12_users_are_in_the_order_of_their_numbers
                ]
            ]
            user_changes [
                UserRepository "change the members that a call names" [
                    each_member_changes_on_its_own
                    metadata_is_kept_replaced_or_removed
                    all_members_change_together
                    empty_change_changes_nothing
                    status_can_be_set_and_reset
                    roles_are_replaced_as_a_whole
                ]
                UserRepository "mark an e-mail address" [
                    changed_email_is_unverified
                    email_in_another_spelling_stays_verified
                    email_stays_verified_when_other_members_change
                ]
                UserRepository "change nothing when it reports" [
                    unknown_user_is_not_changed
                ]
                UserRepository "delete a user with all dependent data" [
                    deleted_user_is_not_found
                    one_of_10_deletions_of_one_user_succeeds
                ]
            ]
            user_change_races [
                UserRepository "change the members that a call names" [
                    update_keeps_every_concurrent_change
                    role_change_keeps_every_concurrent_change
                    status_change_keeps_every_concurrent_change
                ]
                UserRepository "delete a user with all dependent data" [
                    change_during_a_deletion_restores_no_user
                ]
            ]
            user_reads [
                UserRepository "find a user by" [
                    each_of_12_users_is_found_by_every_method
                    each_of_12_imported_users_is_found_by_every_method
                ]
                UserRepository "return every member of a user" [
                    changed_user_is_returned_by_every_method
                ]
                UserRepository "return from `find_recent`" [
                    read_during_a_change_returns_no_old_user_later
                ]
            ]
            recent_users [
                UserRepository "return from `find_recent`" [
                    recent_user_equals_the_stored_user
                    registered_user_is_found_after_an_earlier_miss
                    changed_user_is_returned_at_once
                    deleted_user_is_not_returned
                ]
            ]
            user_passwords [
                UserRepository "increment the `PasswordVersion`" [
                    each_password_change_counts_a_version
                    password_in_an_update_counts_a_version
                    other_changes_count_no_version
                ]
                UserRepository "change nothing when it reports" [
                    outdated_version_changes_nothing
                    password_of_an_unknown_user_is_not_changed
                ]
                UserRepository "change a password only if" [
                    one_of_20_changes_of_one_version_succeeds
                    upgrade_replaces_only_the_hash_it_was_made_for
                    one_of_20_hash_upgrades_succeeds
                    upgrade_never_restores_a_changed_password
                ]
            ]
            user_sessions [
                UserRepository "end every session of a user" [
                    changing_the_password_ends_every_session
                    password_in_an_update_ends_every_session
                    suspending_a_user_ends_every_session
                    changing_roles_ends_every_session
                    reactivated_user_gets_no_session_back
                    other_changes_end_no_session
                    ended_session_keeps_its_first_end
                    change_ends_any_number_of_sessions
                ]
                UserRepository "delete a user with all dependent data" [
                    deleting_a_user_deletes_sessions_and_families
                ]
            ]
            session_members [
                SessionRepository "return every member of a session" [
                    session_is_returned_as_stored
                    earliest_and_latest_times_are_returned
                    smallest_and_largest_ids_are_returned
                    session_is_returned_with_its_current_user
                    every_end_reason_is_returned
                ]
                SessionRepository "find a session by its id" [
                    session_is_found_only_by_its_whole_family
                    sessions_with_similar_families_are_not_confused
                    credential_does_not_find_a_session
                    session_is_read_by_its_family
                    unknown_session_is_not_found
                ]
            ]
            session_reads [
                SessionRepository "find a session by its id" [
                    each_of_12_sessions_is_found_with_its_user
                    each_of_12_sessions_is_refreshed_on_its_own
                    each_of_12_sessions_is_ended_on_its_own
                ]
            ]
            session_opening [
                SessionRepository "NOT open a session" [
                    outdated_password_opens_no_session
                    suspended_user_opens_no_session
                    outdated_roles_open_no_session
                    deleted_user_opens_no_session
                    hash_upgrade_does_not_prevent_a_session
                    concurrent_password_change_leaves_no_live_session
                    concurrent_password_update_leaves_no_live_session
                    concurrent_suspension_leaves_no_live_session
                    concurrent_role_change_leaves_no_live_session
                    concurrent_deletion_leaves_no_session
                ]
            ]
            session_cap [
                SessionRepository "end the oldest other live sessions" [
                    new_session_ends_the_oldest_above_the_limit
                    oldest_session_is_the_one_created_first
                    limit_of_one_session_is_enforced
                    lowered_limit_ends_all_surplus_sessions
                    ended_session_does_not_count
                    expired_session_does_not_count
                    session_counts_until_its_last_microsecond
                    sessions_of_other_users_do_not_count
                    largest_policy_values_cause_no_error
                    concurrently_opened_sessions_respect_the_limit
                    new_session_with_an_earlier_time_stays_live
                ]
            ]
            session_refresh [
                SessionRepository "decide on a refresh attempt" [
                    rotation_replaces_the_current_credential
                    record_contains_the_current_user
                    retry_returns_the_same_successor_and_changes_nothing
                    retry_window_ends_to_the_microsecond
                    attempt_is_judged_by_its_own_policy
                    reusable_credential_stays_current_and_extends_the_session
                    other_client_is_refused_and_changes_nothing
                    session_that_is_not_live_is_refused_and_unchanged
                    refresh_extends_the_idle_time_but_not_the_expiry
                ]
                SessionRepository "NOT change other sessions" [
                    replay_ends_only_its_own_session
                ]
            ]
            session_chain [
                SessionRepository "return every member of a session" [
                    chain_is_returned_as_stored
                    every_byte_of_a_chain_is_returned
                ]
                SessionRepository "decide on a refresh attempt" [
                    rotation_stores_the_chain_of_its_verdict
                    credentials_of_other_sessions_are_unchanged
                    chain_does_not_grow_with_the_rotations
                    retry_follows_the_chain_to_the_current_credential
                    credential_outside_the_chain_is_a_replay
                    denied_rotation_changes_nothing
                    attempt_received_before_the_consumption_is_a_retry
                    clock_that_is_behind_changes_nothing
                ]
            ]
            session_races [
                SessionRepository "give exactly one of" [
                    one_of_24_attempts_with_one_credential_rotates
                    later_retry_gets_the_successor_of_the_race
                    duplicates_during_a_rotation_are_retries
                ]
                SessionRepository "decide on a refresh attempt" [
                    concurrent_use_of_a_reusable_credential_succeeds
                    replay_ends_a_session_during_a_refresh
                    session_ended_during_a_refresh_is_over
                    session_ended_by_family_during_a_refresh_is_over
                    suspension_during_a_refresh_ends_the_session
                    password_change_during_a_refresh_ends_the_session
                    password_update_during_a_refresh_ends_the_session
                    role_change_during_a_refresh_ends_the_session
                    session_superseded_during_a_refresh_is_over
                    user_deletion_during_a_refresh_deletes_the_session
                    concurrent_rotations_respect_the_limit
                ]
                SessionRepository "answer concurrent calls" [
                    sessions_of_one_user_refresh_concurrently
                    concurrent_calls_for_one_user_cause_no_error
                ]
                SessionRepository "end a session once" [
                    one_of_12_replays_ends_the_session
                    end_during_a_change_of_the_user_is_kept
                ]
            ]
            session_ends [
                SessionRepository "end a session once" [
                    session_ends_once_and_keeps_its_first_end
                    one_of_12_ends_of_one_session_succeeds
                ]
                SessionRepository "NOT change other sessions" [
                    ending_a_session_leaves_the_others_live
                ]
                SessionRepository "find a session by its id" [
                    family_ends_its_session_after_any_rotations
                    other_client_or_unknown_family_ends_nothing
                ]
                SessionRepository "purge only sessions" [
                    only_sessions_that_are_not_live_are_purged
                    family_is_purged_with_its_session
                    purge_respects_the_limit
                ]
                SessionRepository "eventually erase" [
                    purge_erases_consumed_credentials_of_idle_sessions
                    erasing_respects_the_limit
                ]
            ]
            session_purge_races [
                SessionRepository "purge only sessions" [
                    session_refreshed_during_a_purge_is_kept
                ]
                SessionRepository "eventually erase" [
                    credential_consumed_during_a_purge_is_kept
                ]
            ]
            revocation_feed [
                RevocationFeed "NOT return `Live`" [
                    ended_session_is_not_live
                    superseded_session_is_not_live
                    sessions_ended_by_a_user_change_are_not_live
                    ended_session_is_not_live_after_its_purge
                ]
                RevocationFeed "NOT return `Ended`" [
                    live_session_is_not_reported_as_ended
                    call_without_effect_ends_no_session
                ]
            ]
            api_keys [
                ApiKeyRepository "return every member of a key" [
                    key_is_returned_as_stored
                ]
                ApiKeyRepository "find a key" [
                    key_is_found_only_by_the_digest_of_its_secret
                    expired_and_revoked_keys_are_found
                ]
                ApiKeyRepository "list every key" [
                    keys_are_listed_oldest_first
                    each_of_12_keys_is_listed_found_and_changed_on_its_own
                ]
                ApiKeyRepository "keep a revoked key" [
                    key_is_revoked_once_and_keeps_the_first_time
                    one_of_10_revocations_of_one_key_succeeds
                ]
                ApiKeyRepository "keep the latest time" [
                    latest_time_of_use_is_kept
                    latest_of_concurrent_times_of_use_is_kept
                ]
                ApiKeyRepository "change no other key" [
                    use_and_revocation_are_independent
                    key_revoked_while_it_is_used_stays_revoked
                ]
            ]
            audit_events [
                AuditRepository "return every member of an event" [
                    event_is_returned_as_appended
                    every_action_and_denial_reason_is_returned
                    event_outlives_its_user
                ]
                AuditRepository "list in ascending order" [
                    pages_list_every_event_once_in_append_order
                    latest_events_are_in_ascending_order
                    pages_of_12_events_are_in_the_order_of_their_numbers
                    filter_selects_exactly_the_matching_events
                ]
                AuditRepository "purge only events" [
                    purge_deletes_only_earlier_events_up_to_the_limit
                ]
                AuditRepository "number events" [
                    number_of_a_purged_event_is_not_reused
                    reader_misses_no_event_of_concurrent_writers
                ]
            ]
            errors [
                UserRepository "return `PortError::Corrupt`" [
                    duplicate_user_id_is_an_error_that_changes_nothing
                    batch_with_a_taken_id_stores_no_user
                ]
                SessionRepository "return `PortError::Corrupt`" [
                    duplicate_session_id_is_an_error_that_changes_nothing
                    duplicate_family_is_an_error_that_changes_nothing
                ]
                ApiKeyRepository "return `PortError::Corrupt`" [
                    duplicate_api_key_is_an_error_that_changes_nothing
                ]
                PortError "mean that the call has changed nothing" [
                    failed_opening_ends_no_other_session
                ]
            ]
            duplicate_races [
                UserRepository "return `PortError::Corrupt`" [
                    one_of_8_users_with_one_id_is_stored
                ]
                SessionRepository "return `PortError::Corrupt`" [
                    one_of_8_sessions_with_one_id_is_stored
                    one_of_8_sessions_with_one_family_is_stored
                ]
                ApiKeyRepository "return `PortError::Corrupt`" [
                    one_of_8_api_keys_with_one_id_or_digest_is_stored
                ]
            ]
            durability [
                UserRepository "store a change durably" [
                    users_outlive_the_process
                ]
                SessionRepository "store a change durably" [
                    sessions_outlive_the_process
                ]
                ApiKeyRepository "store a change durably" [
                    api_keys_outlive_the_process
                ]
                AuditRepository "store events durably" [
                    audit_events_outlive_the_process
                ]
            ]
        }
    };
    (password_hasher => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            password_hasher [
                PasswordHasher "match a hash that it made" [
                    hash_matches_its_password
                    hash_matches_no_other_password
                    hash_ignores_the_unicode_composition
                    hash_does_not_contain_the_password
                    hash_can_be_stored_as_text
                ]
                PasswordHasher "give two hashes" [
                    two_hashes_of_one_password_differ
                ]
                PasswordHasher "do the work" [
                    every_password_differs_without_a_hash
                ]
                PasswordHasher "accept hashes" [
                    own_hashes_are_accepted_and_malformed_ones_rejected
                    malformed_hash_is_corrupt
                ]
                PasswordHasher "return `PortError::Overloaded`" [
                    burst_is_answered_correctly_or_as_an_overload
                ]
            ]
        }
    };
    (access_token_codec => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            access_tokens [
                AccessTokenCodec "verify its own tokens" [
                    token_verifies_to_its_claims
                    extra_claims_are_returned_as_signed
                    different_claims_make_different_tokens
                    refresh_token_verifies_to_its_claims
                ]
                AccessTokenCodec "NOT check expiry" [
                    expiry_is_not_checked
                ]
                AccessTokenCodec "sign equal claims" [
                    equal_claims_get_the_same_id_and_times
                ]
                AccessTokenCodec "reject every token" [
                    tampered_token_is_refused
                    token_with_added_text_is_refused
                    token_mixed_from_two_is_refused
                    foreign_tokens_are_refused
                    text_that_is_not_a_token_is_refused
                    tampered_refresh_token_is_refused
                    foreign_refresh_tokens_are_refused
                ]
                AccessTokenCodec "NOT verify a refresh token" [
                    access_and_refresh_tokens_are_not_confused
                ]
            ]
        }
    };
    (attempt_limiter => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            attempt_guesses [
                AttemptLimiter "decide on a guess" [
                    failures_throttle_an_account
                    failures_throttle_an_address
                    outcomes_are_those_of_the_domain
                    concurrent_guesses_admit_no_more_than_sequential_ones
                    concurrent_guesses_from_one_address_admit_no_more
                    known_caller_is_admitted_while_the_account_is_throttled
                    known_caller_is_admitted_while_its_address_is_throttled
                ]
                AttemptLimiter "keep the counters" [
                    accounts_and_addresses_are_counted_separately
                ]
                AttemptLimiter "decide again" [
                    concurrent_correct_passwords_are_all_admitted
                    guess_that_waits_too_long_is_an_overload
                    known_caller_does_not_wait_behind_others
                ]
                AttemptLimiter "reserve an attempt" [
                    refused_guess_reserves_nothing_in_any_counter
                ]
                AttemptLimiter "settle a guess" [
                    abandoned_guess_does_not_count
                    concurrent_failures_are_all_counted
                    unsettled_guess_becomes_a_failure
                    success_resets_only_the_failures_of_its_account
                    failure_on_trust_counts_only_for_the_known_caller
                    costly_guess_counts_by_its_weight
                ]
                AttemptLimiter "delete the record" [
                    forget_resets_only_the_given_account
                ]
            ]
            attempt_counts [
                AttemptLimiter "count with" [
                    attempts_pass_up_to_the_limit
                    concurrent_attempts_pass_up_to_the_limit
                    attempts_pass_again_after_time
                ]
                AttemptLimiter "keep the counters" [
                    counters_are_independent
                ]
                AttemptLimiter "report a counter" [
                    exhausted_counter_is_reported_until_it_refills
                ]
                AttemptLimiter "purge only expired" [
                    only_expired_records_are_purged
                    attempt_during_a_purge_is_counted
                    purge_respects_the_limit
                ]
            ]
        }
    };
    (audit_log => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            audit_log [
                AuditLog "deliver what" [
                    first_event_of_a_kind_is_stored_at_once
                    single_events_are_stored_in_the_order_of_the_calls
                    merged_event_has_only_shared_members
                    subjects_are_counted_separately
                    every_replay_is_stored
                    events_that_are_not_kept_are_not_stored
                ]
                AuditLog "deliver merged events" [
                    repeats_of_a_minute_are_stored_as_one_event
                    repeats_of_two_minutes_are_stored_separately
                    concurrent_events_are_all_counted
                    denials_of_many_addresses_are_bounded
                    successes_of_one_subject_are_bounded
                ]
            ]
        }
    };
    (clock => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            clock [
                Clock "return UTC" [
                    time_is_between_2025_and_2200
                    consecutive_readings_are_close
                ]
            ]
        }
    };
    (secure_random => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            secure_random [
                SecureRandom "fill every byte" [
                    every_byte_is_filled
                    no_two_fills_are_equal
                    every_byte_value_is_equally_likely
                ]
            ]
        }
    };
}
