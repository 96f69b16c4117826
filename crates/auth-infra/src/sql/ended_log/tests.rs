//! Tests of the log: no follower misses a session, whatever the order of commits and whichever node answers.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_000_000;

fn row(number: u64, session: u128) -> RevokedRow {
    RevokedRow { number, session: Uuid::from_u128(session), recorded_at: NOW }
}

fn snapshot(text: &str) -> Snapshot {
    Snapshot::parse_postgres(1, text).expect("a snapshot")
}

/// A log with one row for each number, which is also its session, after a read.
fn log(numbers: impl IntoIterator<Item = u64>, read: &str) -> EndedLog {
    let mut log = EndedLog::default();
    numbers.into_iter().for_each(|number| log.insert(row(number, number.into())));
    log.finish_read(snapshot(read));
    log
}

fn page(log: &EndedLog, cursor: Option<&Cursor>, limit: usize) -> LogPage {
    match log.after(cursor, NOW - 900, limit) {
        LogAnswer::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn sessions(page: &LogPage) -> Vec<u128> {
    page.sessions.iter().map(Uuid::as_u128).collect()
}

/// A cursor that has everything of a read.
fn cursor(history: u32, read: &str) -> Cursor {
    Cursor { seen: Snapshot::parse_postgres(history, read), page: None }
}

#[test]
fn nothing_is_known_before_the_first_read() {
    let mut log = EndedLog::default();
    log.insert(row(1, 1));
    assert_eq!(log.after(None, 0, 10), LogAnswer::Unread);
}

#[test]
fn late_commits_are_delivered_once() {
    let mut log = log([10, 12], "11:13:11");
    let first = page(&log, None, 10);
    assert_eq!((sessions(&first), first.is_reset), (vec![10, 12], true));
    assert_eq!(sessions(&page(&log, Some(&first.next), 10)), [0; 0]);
    log.insert(row(11, 11));
    log.insert(row(12, 12));
    assert_eq!(sessions(&page(&log, Some(&first.next), 10)), [0; 0], "the read has not ended");
    assert!(log.finish_read(snapshot("14:14:")));
    let second = page(&log, Some(&first.next), 10);
    assert_eq!((sessions(&second), second.is_reset), (vec![11], false));
    assert_eq!(sessions(&page(&log, Some(&second.next), 10)), [0; 0]);
}

#[test]
fn pages_continue_on_another_node() {
    let (one, two) = (log(0..10, "20:20:"), log((0..10).chain([30]), "31:31:"));
    let (mut cursor, mut delivered) = (None, Vec::new());
    for node in [&one, &two, &one, &two] {
        let page = page(node, cursor.as_ref(), 3);
        delivered.extend(sessions(&page));
        assert!(page.has_more, "the second node has read more");
        cursor = Some(page.next);
    }
    assert_eq!(delivered, (0..10).collect::<Vec<_>>());
    let last = page(&two, cursor.as_ref(), 3);
    assert_eq!((sessions(&last), last.has_more), (vec![30], false));
}

#[test]
fn sessions_of_one_transaction_are_divided_into_pages() {
    let mut log = EndedLog::default();
    (0..5).for_each(|session| log.insert(row(7, session)));
    log.finish_read(snapshot("8:8:"));
    let first = page(&log, None, 2);
    let second = page(&log, Some(&first.next), 2);
    let third = page(&log, Some(&second.next), 2);
    assert_eq!([&first, &second, &third].map(sessions), [vec![0, 1], vec![2, 3], vec![4]]);
    assert_eq!([first.has_more, second.has_more, third.has_more], [true, true, false]);
}

#[test]
fn node_that_has_read_less_is_behind() {
    let log = log([10], "11:11:");
    assert_eq!(log.after(Some(&cursor(1, "12:12:")), 0, 10), LogAnswer::Behind);
    let paging =
        Cursor { seen: None, page: Some(PagePosition { until: snapshot("12:12:"), last: (3, Uuid::nil()) }) };
    assert_eq!(log.after(Some(&paging), 0, 10), LogAnswer::Behind);
}

#[test]
fn cursor_of_another_history_gets_the_whole_list() {
    let log = log([10], "20:20:");
    let page = page(&log, Some(&cursor(2, "20:20:")), 10);
    assert_eq!((sessions(&page), page.is_reset), (vec![10], true));
}

#[test]
fn sessions_without_valid_tokens_are_left_out() {
    let mut log = log([], "20:20:");
    for (number, age) in [(1, 5_000), (2, 901), (3, 900), (4, 0), (5, 2_000)] {
        log.insert(RevokedRow { recorded_at: NOW - age, ..row(number, number.into()) });
    }
    assert_eq!(sessions(&page(&log, None, 10)), [3, 4]);
    assert_eq!(
        log.start(None, None, NOW - 900),
        Some(Bound::Included((2, Uuid::nil()))),
        "it skips older rows"
    );
    log.retain(|session| session.as_u128() < 3);
    assert_eq!(sessions(&page(&log, None, 10)), [0; 0]);
    assert_eq!(log.start(None, None, NOW - 60), None);
}

/// The numbers of 18 transactions in progress, each with a row of another one after it.
fn crowd() -> Vec<String> {
    (0..18).map(|index| (10_000 + 2 * index).to_string()).collect()
}

#[test]
fn pages_are_complete_with_many_transactions_in_progress() {
    let log = log(
        (2..9).chain((0..18).map(|index| 10_001 + 2 * index)),
        &format!("1:20000:1,{}", crowd().join(",")),
    );
    let (mut next, mut delivered): (Option<Cursor>, Vec<_>) = Default::default();
    loop {
        let answer = page(&log, next.as_ref(), 4);
        delivered.extend(sessions(&answer));
        next = Some(answer.next.to_string().parse().expect("a cursor"));
        if !answer.has_more {
            break;
        }
    }
    assert_eq!(delivered, log.rows.keys().map(|(number, _)| u128::from(*number)).collect::<Vec<_>>());
    assert_eq!(sessions(&page(&log, next.as_ref(), 4)), [0; 0], "nothing has changed");
}

#[test]
fn transactions_in_progress_repeat_no_session() {
    let list = crowd().join(",");
    let mut log = log([2, 10_035], &format!("1:20000:1,{list}"));
    let next = page(&log, None, 10).next.to_string().parse().expect("a cursor");
    log.insert(row(20_001, 20_001));
    log.finish_read(snapshot(&format!("1:20002:1,{list}")));
    assert_eq!(sessions(&page(&log, Some(&next), 10)), [20_001]);
}

#[test]
fn restored_rows_of_a_later_number_are_delivered_once() {
    let mut log = EndedLog::default();
    log.insert(row(5_000, 1));
    log.insert(row(10, 2));
    let read = snapshot("20:20:");
    log.renumber_restored(&read);
    log.finish_read(read);
    let first = page(&log, None, 10);
    assert_eq!(sessions(&first), [1, 2]);
    log.insert(row(5_000, 1));
    let read = snapshot("21:21:");
    log.renumber_restored(&read);
    log.finish_read(read);
    assert_eq!(sessions(&page(&log, Some(&first.next), 10)), [0; 0]);
}

#[test]
fn other_texts_are_no_cursors() {
    let session = Uuid::from_u128(1);
    for text in [
        String::new(),
        "~".to_owned(),
        "1.2.2~".to_owned(),
        "1.2.2~1.2.2~3".to_owned(),
        format!("1.2.2~1.2.2~3~{session}~"),
        format!("1.2.2~1.2.2~03~{session}"),
        format!("1.2.2~1.2.2~3~{}", session.simple()),
        format!("1.2.2~~3~{session}"),
        "1.2.2 ".to_owned(),
        format!("1.2.9{}", "0".repeat(MAX_CURSOR)),
    ] {
        assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
    }
}

/// A transaction: the step in which it begins, its duration in steps, and the sessions that it ends.
fn transactions(longest: u64, most: usize) -> impl Strategy<Value = Vec<(u64, u64, u8)>> {
    prop::collection::vec((0_u64..40, 0..longest, 0_u8..3), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Two nodes read at different times, and a follower asks either, with small pages, through the text of its cursor.
    #[test]
    fn no_follower_misses_a_session(
        transactions in prop_oneof![transactions(12, 40), transactions(60, 90)],
        requests in prop::collection::vec((0_usize..2, prop::option::of(0_usize..2), 1_usize..4), 1..80),
    ) {
        let mut begins: Vec<_> = transactions;
        begins.sort_unstable();
        // Numbers are in the order of beginnings.
        let numbered: Vec<_> = begins.iter().enumerate()
            .map(|(number, (begin, duration, ends))| (number as u64 + 1, *begin, begin + duration, *ends)).collect();
        let read_at = |step: u64| {
            let is_over = |(_, _, end, _): &&(u64, u64, u64, u8)| *end < step;
            let to = numbered.iter().filter(is_over).map(|(number, ..)| number + 1).max().unwrap_or(1);
            let running: Vec<_> = numbered.iter()
                .filter(|(number, begin, end, _)| *number < to && *begin <= step && *end >= step)
                .map(|(number, ..)| number.to_string()).collect();
            let from = running.first().cloned().unwrap_or_else(|| to.to_string());
            snapshot(&format!("{from}:{to}:{}", running.join(",")))
        };
        let read = |log: &mut EndedLog, step: u64| {
            let snapshot = read_at(step);
            for (number, _, _, ends) in numbered.iter().filter(|(number, ..)| snapshot.has_seen(*number)) {
                (0..*ends).for_each(|index| log.insert(row(*number, u128::from(*number) * 10 + u128::from(index))));
            }
            log.finish_read(snapshot);
        };
        let mut nodes = [EndedLog::default(), EndedLog::default()];
        for node in &mut nodes {
            read(node, 0);
        }
        let (mut cursor, mut delivered): (Option<Cursor>, std::collections::BTreeSet<u128>) = Default::default();
        let mut ask = |node: &EndedLog, limit: usize, cursor: &mut Option<Cursor>| {
            let presented = cursor.as_ref().map(|cursor| cursor.to_string().parse().expect("a cursor"));
            if let LogAnswer::Page(page) = node.after(presented.as_ref(), NOW, limit) {
                delivered.extend(sessions(&page));
                *cursor = Some(page.next);
                if !page.has_more {
                    let read = node.read.as_ref().expect("a read");
                    let missed: Vec<_> = node.rows.keys()
                        .filter(|(number, session)| read.has_seen(*number) && !delivered.contains(&session.as_u128()))
                        .collect();
                    prop_assert!(missed.is_empty(), "{:?}", missed);
                }
                return Ok(page.has_more);
            }
            Ok(false)
        };
        for (step, (reader, asked, limit)) in requests.into_iter().enumerate() {
            read(&mut nodes[reader], step as u64);
            if let Some(asked) = asked {
                ask(&nodes[asked], limit, &mut cursor)?;
            }
        }
        read(&mut nodes[0], 1_000);
        while ask(&nodes[0], 2, &mut cursor)? {}
        ask(&nodes[0], 2, &mut cursor)?;
        while ask(&nodes[0], 2, &mut cursor)? {}
        let ended = numbered.iter().flat_map(|(number, _, _, ends)| {
            (0..*ends).map(move |index| u128::from(*number) * 10 + u128::from(index))
        });
        prop_assert_eq!(delivered, ended.collect());
    }
}
