//! The one list of cases. A case that is written but not listed is dead code, and does not pass the lints.

/// Every case of a suite, handed to the macro that is named behind it.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    (stores => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            user_members [
                a_user_with_every_member_is_given_back_as_stored
                a_user_with_nothing_but_a_username_is_given_back_as_stored
                a_user_with_nothing_but_an_email_is_given_back_as_stored
                each_member_that_may_be_absent_is_stored_alone
                the_longest_members_are_given_back_as_stored
                names_are_given_back_as_they_were_typed
                text_that_means_something_to_a_database_is_given_back_as_stored
                times_are_given_back_to_the_microsecond
                the_least_and_the_greatest_ids_are_given_back
                a_changed_member_is_given_back_as_changed
                who_is_not_there_is_not_found
            ]
            user_numbers [
                numbers_are_at_least_1_and_below_2_to_the_53
                each_number_is_greater_than_those_before
                the_number_of_a_deleted_user_is_never_given_again
                numbers_are_not_given_again_when_everybody_is_deleted
                users_who_register_at_once_have_different_numbers
            ]
            user_names [
                a_user_is_found_by_each_of_their_names_in_every_spelling
                a_username_is_taken_in_every_spelling
                an_email_is_taken_in_every_spelling
                usernames_and_emails_share_one_space
                names_that_differ_are_free
                when_both_names_are_taken_the_username_is_named
                one_name_in_both_fields_of_one_user_is_no_conflict
                a_name_in_both_fields_stays_taken_until_both_have_changed
                a_user_may_change_the_spelling_of_a_name
                a_user_may_swap_username_and_email
                a_changed_name_frees_the_old_one
                a_deleted_user_frees_their_names
                a_refused_registration_leaves_nothing_behind
                a_refused_change_leaves_everything_as_it_was
            ]
            user_name_races [
                of_50_registrations_of_one_name_exactly_one_succeeds
                of_20_changes_to_one_name_exactly_one_succeeds
                of_a_registration_and_a_change_to_one_name_exactly_one_succeeds
                registrations_with_crossed_names_meet_no_fault_and_one_succeeds
                changes_to_crossed_names_meet_no_fault_and_one_succeeds
                two_who_want_each_others_names_are_refused_without_a_fault
                a_name_that_is_freed_and_wanted_has_one_holder_or_none
            ]
            user_imports [
                an_imported_user_is_given_back_as_brought
                imported_users_are_numbered_in_their_order
                a_user_who_was_imported_is_known_whatever_has_changed
                a_batch_is_imported_but_for_those_whose_names_are_taken
                names_that_meet_in_a_batch_are_the_firsts
                who_was_imported_and_deleted_is_imported_again
                of_imports_of_one_batch_at_once_each_user_is_stored_once
                of_an_import_and_a_registration_of_one_name_exactly_one_succeeds
            ]
            user_lists [
                pages_meet_every_user_once_in_ascending_order
                a_page_holds_as_many_as_asked_for_and_no_more
                a_page_begins_after_any_number_given
                a_deleted_user_is_not_listed_and_the_next_page_begins_after_them
            ]
            user_changes [
                each_member_changes_alone
                all_members_change_together
                changing_nothing_changes_nothing
                a_changed_email_is_unverified
                an_email_in_another_spelling_stays_verified
                an_email_stays_verified_when_something_else_changes
                an_absent_user_is_not_changed
                a_status_is_set_and_set_back
                roles_are_replaced_as_a_whole
                a_deleted_user_is_gone
                of_10_deletions_of_one_user_exactly_one_succeeds
            ]
            user_recency [
                a_user_is_shown_as_they_are_stored
                whoever_registers_is_shown_though_they_were_looked_for_before
                a_change_is_shown_at_once
                a_deleted_user_is_not_shown
            ]
            user_passwords [
                each_change_of_a_password_counts_a_new_version
                a_password_changed_with_other_members_counts_a_new_version
                what_is_no_change_of_the_password_counts_no_version
                a_change_by_an_outdated_version_changes_nothing
                an_absent_users_password_is_not_changed
                of_20_changes_of_one_version_exactly_one_succeeds
                a_better_hash_replaces_the_one_it_was_made_for_and_no_other
                of_20_better_hashes_exactly_one_is_taken
                a_better_hash_never_brings_back_a_changed_password
            ]
            user_sessions [
                a_changed_password_ends_every_session_of_its_user
                a_password_changed_with_other_members_ends_every_session
                suspending_a_user_ends_every_session
                changed_roles_end_every_session_of_their_user
                a_user_who_may_log_in_again_gets_no_session_back
                what_is_no_change_of_password_roles_or_status_ends_no_session
                a_session_that_had_ended_keeps_its_end
                deleting_a_user_deletes_their_sessions_and_credentials
            ]
            session_members [
                every_member_of_a_session_is_given_back_as_stored
                the_earliest_and_the_latest_times_are_given_back
                the_least_and_the_greatest_ids_are_given_back
                a_session_is_given_back_with_its_user_as_they_are_now
                every_way_to_end_is_given_back
                a_credential_is_known_by_its_digest_and_by_nothing_else
                what_is_not_there_is_not_found
            ]
            session_opening [
                a_changed_password_opens_nothing
                a_suspended_user_opens_nothing
                changed_roles_open_nothing
                who_is_gone_opens_nothing
                a_better_hash_of_the_proven_password_does_not_stand_against_it
                a_password_changed_at_the_same_time_leaves_no_session_live
                a_password_changed_with_other_members_at_the_same_time_leaves_no_session_live
                a_suspension_at_the_same_time_leaves_no_session_live
                roles_changed_at_the_same_time_leave_no_session_live
                a_deletion_at_the_same_time_leaves_no_session
            ]
            session_cap [
                the_oldest_session_makes_room_for_a_new_one
                the_oldest_is_the_one_that_began_first_however_busy
                one_session_at_a_time_is_kept_to
                a_lowered_limit_ends_as_many_as_are_too_many
                a_session_that_was_ended_takes_no_room
                a_session_that_ended_by_itself_takes_no_room
                a_session_in_its_last_microsecond_takes_room
                sessions_of_others_take_no_room
                limits_beyond_all_bounds_are_no_fault
                sessions_opened_at_once_keep_to_the_limit
                a_session_that_begins_by_a_slow_clock_is_not_the_one_that_ends
            ]
            session_refresh [
                a_current_credential_is_used_up_and_its_successor_takes_its_place
                a_record_tells_the_user_as_they_are_now
                a_retry_is_answered_with_the_same_successor_and_changes_nothing
                what_a_retry_offers_as_successor_is_not_stored
                the_grace_for_a_retry_ends_to_the_microsecond
                an_attempt_is_judged_by_the_policy_it_brings
                a_nonce_is_forgotten_once_the_successor_is_used
                nonces_of_other_sessions_are_kept
                a_replay_ends_its_session_and_no_other
                a_reusable_credential_stays_and_extends_its_session
                another_client_is_refused_and_changes_nothing
                a_session_that_is_over_is_refused_and_changes_nothing
                a_refreshed_session_outlives_its_idle_time_but_not_its_expiry
            ]
            session_races [
                of_24_attempts_with_one_credential_exactly_one_rotates
                one_reusable_credential_extends_for_all_at_once
                sessions_of_one_user_refresh_at_once
                of_many_replays_at_once_one_ends_the_session
                a_replay_ends_a_session_that_is_refreshed_at_the_same_time
                a_session_that_is_ended_while_it_is_refreshed_is_over
                a_session_that_is_ended_by_its_credential_while_it_is_refreshed_is_over
                a_session_whose_user_is_suspended_while_it_is_refreshed_is_over
                a_session_whose_password_is_changed_while_it_is_refreshed_is_over
                a_session_whose_user_is_deleted_while_it_is_refreshed_is_gone
                whatever_happens_to_one_user_at_once_meets_no_fault
                a_retry_after_the_race_is_answered_as_in_the_race
            ]
            session_ends [
                a_session_ends_once_and_the_first_end_stays
                of_12_ends_of_one_session_exactly_one_succeeds
                ending_a_session_leaves_the_others_alone
                a_session_ends_by_its_current_credential_and_by_a_consumed_one
                another_client_and_an_unknown_credential_end_nothing
                only_sessions_that_are_over_are_purged
                credentials_are_purged_with_their_session
                no_more_are_purged_than_the_limit
                a_session_with_more_credentials_than_the_limit_is_purged
            ]
            revocation_feed [
                a_session_that_was_ended_is_not_live
                a_session_that_made_room_is_not_live
                sessions_that_ended_with_their_user_are_not_live
                a_session_that_goes_on_has_not_ended
                what_was_refused_has_ended_nothing
            ]
            api_keys [
                every_member_of_a_key_is_given_back_as_stored
                a_key_is_found_by_the_digest_of_its_secret_and_by_nothing_else
                a_key_is_found_when_it_serves_no_longer
                keys_are_listed_oldest_first
                a_key_is_revoked_once_and_the_first_time_stays
                of_10_revocations_of_one_key_exactly_one_succeeds
                the_latest_of_the_times_a_key_was_used_is_kept
                the_latest_of_times_noted_at_once_is_kept
                use_and_revocation_leave_each_other_alone
            ]
            audit_events [
                every_member_of_an_event_is_given_back_as_stored
                every_action_and_every_reason_is_given_back
                pages_meet_every_event_once_in_the_order_of_appending
                the_latest_events_come_in_ascending_order
                a_filter_lets_pass_what_it_asks_for_and_nothing_else
                an_event_outlives_its_user
                only_events_from_before_are_purged_and_no_more_than_the_limit
                the_number_of_a_purged_event_is_never_given_again
                who_reads_on_from_the_last_event_misses_none
            ]
            faults [
                a_user_with_anothers_id_is_a_fault_that_changes_nothing
                a_session_with_anothers_id_is_a_fault_that_changes_nothing
                a_session_with_anothers_credential_is_a_fault_that_changes_nothing
                an_api_key_with_anothers_id_or_secret_is_a_fault_that_changes_nothing
            ]
        }
    };
    (password_hasher => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            password_hasher [
                a_hash_matches_the_password_it_was_made_of
                a_hash_matches_no_other_password
                a_hash_matches_however_the_keyboard_composed_the_password
                two_hashes_of_one_password_differ
                a_hash_does_not_show_the_password
                a_hash_survives_being_stored_as_text
                whatever_is_tried_for_nobody_differs
                what_it_made_is_accepted_and_what_is_no_hash_is_rejected
                what_is_no_hash_is_corrupt
                a_burst_is_answered_rightly_or_as_an_overload_and_passes
            ]
        }
    };
    (access_token_codec => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            access_tokens [
                a_token_is_verified_to_the_claims_it_was_signed_for
                expiry_is_not_judged
                equal_claims_are_signed_to_the_same_id_and_times
                different_claims_make_different_tokens
                a_token_that_was_tampered_with_is_refused
                a_token_with_something_added_is_refused
                parts_of_two_tokens_make_no_third
                tokens_of_strangers_are_refused
                what_is_no_token_is_refused
            ]
        }
    };
    (attempt_limiter => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            attempt_guesses [
                failures_are_kept_and_make_an_account_wait
                failures_are_kept_and_make_a_place_wait
                accounts_and_places_are_kept_apart
                of_200_guesses_at_once_no_more_are_tried_than_one_after_the_other
                of_200_guesses_from_one_place_no_more_are_tried_than_one_after_the_other
                right_passwords_at_once_are_all_admitted
                a_guess_that_depends_on_others_for_too_long_is_an_overload
                a_refused_guess_keeps_no_place_in_the_other_counter
                what_could_not_be_tried_counts_for_nothing
                a_guess_that_nobody_settles_becomes_a_failure
                a_right_password_forgets_the_failures_of_its_account_only
                a_known_place_is_let_in_while_the_account_waits
                an_account_is_forgotten_when_asked_to_and_no_other
            ]
            attempt_counts [
                as_many_pass_as_there_is_room_for
                of_many_at_once_as_many_pass_as_there_is_room_for
                room_comes_back_with_time
                counters_are_kept_apart
                a_counter_that_was_found_exhausted_is_known_to_be
                only_records_that_have_expired_are_purged
                no_more_are_purged_than_the_limit
            ]
        }
    };
    (clock => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            clock [
                the_time_is_of_this_age
                two_readings_are_close_to_each_other
            ]
        }
    };
    (secure_random => $krate:tt :: $then:ident [$($argument:tt)*]) => {
        $krate::$then! { [$($argument)*]
            secure_random [
                every_byte_is_filled
                no_two_fills_are_alike
                every_value_is_as_likely_as_the_others
            ]
        }
    };
}
