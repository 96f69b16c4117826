//! The part of the page that is measured. What is around it was written by hand.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::format::{goal, number, spread, time, verdict};
use crate::measure::{Measured, Spread};
use crate::parts::Parts;
use crate::run::SavedRun;

const BEGIN: &str = "<!-- measured:begin -->";
const END: &str = "<!-- measured:end -->";

/// The page with this between its marks.
pub(super) fn between(page: &str, measured: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("the page has no {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("the page has no {END}"))?;
    Ok(format!("{before}{BEGIN}\n\n{measured}\n{END}{after}"))
}

/// The summary, the machine, each measure in full, and the parts.
pub(super) fn measured(kept: &[SavedRun], parts: &Parts) -> String {
    let mut page = String::new();
    summary(&mut page, kept.iter().flat_map(|kept| &kept.measured));
    machine(&mut page, kept);
    for kept in kept {
        for measured in &kept.measured {
            section(&mut page, measured, kept);
        }
    }
    times(&mut page, parts);
    page
}

fn times(page: &mut String, Parts { machine, times }: &Parts) {
    let of_machine = |name| machine.get(name).map_or("-", String::as_str);
    let (date, commit) = (of_machine("date"), of_machine("commit"));
    let _ = writeln!(
        page,
        "## The parts\n\nCriterion times single operations, each in one thread. The figures are medians with their 95 % confidence \
         intervals. `just micro-bench` measured them at {date}, of the commit {commit}.\n"
    );
    page.push_str("| part | median | 95 % interval |\n|---|---|---|\n");
    for (name, part) in times {
        let _ =
            writeln!(page, "| {name} | {} | {} .. {} |", time(part.median), time(part.low), time(part.high));
    }
}

fn summary<'a>(page: &mut String, measured: impl Iterator<Item = &'a Measured>) {
    page.push_str("## The ratios\n\n");
    page.push_str("Medians of the pairs, and in brackets the least and the greatest.\n\n");
    page.push_str("| measure | unit | limit | ours | ours / limit | |\n|---|---|---|---|---|---|\n");
    for one in measured {
        let _ = writeln!(
            page,
            "| [{}](#{}) | {} | {} | {} | {} | {} |",
            one.name,
            one.id,
            one.unit,
            spread(one.limits()),
            spread(one.ours()),
            spread(one.ratio()),
            verdict(one)
        );
    }
    page.push_str("\n![Each measure as a share of its goal](benchmarks/ratios.svg)\n\n");
}

fn machine(page: &mut String, kept: &[SavedRun]) {
    page.push_str("## The machine\n\n| | |\n|---|---|\n");
    let Some(first) = kept.first() else { return };
    for (name, value) in &first.machine {
        let _ = writeln!(page, "| {name} | {value} |");
    }
    let commands: BTreeSet<_> = kept.iter().map(|kept| kept.command.as_str()).collect();
    let commands: Vec<_> = commands.into_iter().collect();
    let _ = writeln!(page, "| command | `{}` |\n", commands.join("`, `"));
}

fn section(page: &mut String, measured: &Measured, kept: &SavedRun) {
    let Measured { id, name, unit, limit, rounds, notes, .. } = measured;
    let _ = writeln!(page, "<a id=\"{id}\"></a>\n\n### {name}\n");
    if !limit.is_empty() {
        let _ = writeln!(page, "The limit: {limit}.\n");
    }
    for note in notes {
        let _ = writeln!(page, "{note}\n");
    }
    let goal = goal(measured);
    if rounds.len() == 1 {
        let _ = writeln!(page, "Measured once; {goal}.\n");
    } else {
        let (count, seconds) = (rounds.len(), kept.seconds);
        let _ = writeln!(page, "{count} rounds; each load was kept up for {seconds} s; {goal}.\n");
    }
    let _ = writeln!(page, "| round | limit, {unit} | ours, {unit} | ratio |\n|---|---|---|---|");
    for (round, number_of) in rounds.iter().zip(1..) {
        let (limit, ratio) = (optional(round.limit), optional(round.ratio()));
        let _ = writeln!(page, "| {number_of} | {limit} | {} | {ratio} |", number(round.ours));
    }
    page.push('\n');
    details(page, measured);
}

/// A number, or a dash if there is none.
fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), number)
}

fn details(page: &mut String, measured: &Measured) {
    let names: BTreeSet<_> = measured.rounds.iter().flat_map(|round| round.detail.keys()).collect();
    if names.is_empty() {
        return;
    }
    page.push_str("| detail | median | least | greatest |\n|---|---|---|---|\n");
    for name in names {
        if let Some(Spread { median, min, max }) = measured.detail(name) {
            let _ = writeln!(page, "| {name} | {} | {} | {} |", number(median), number(min), number(max));
        }
    }
    page.push('\n');
    if !super::curves(measured).is_empty() {
        let _ = writeln!(page, "![Percentiles](benchmarks/{}.svg)\n", measured.id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, parts};
    use super::*;

    #[test]
    fn hand_written_text_is_kept() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let once = between(&page, "new\n").expect("marks");
        assert_eq!(once, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(between(&once, "new\n").expect("marks"), once);
        assert!(between("no marks", "new").is_err());
    }

    #[test]
    fn each_measure_is_in_the_summary_and_has_its_section() {
        let page = measured(&[kept("a", 5)], &parts("a"));
        for expected in [
            "| [`/me` p99 <&> more](#flood-sqlite) | ms | 1.00 (1.00 .. 1.00) | 2.00 (2.00 .. 2.00) |",
            "<a id=\"flood-sqlite\"></a>",
            "The limit: its own idle p99.",
            "| 1 | 1.00 | 2.00 | 2.00 |",
            "| 503/s | 9.00 | 9.00 | 9.00 |",
            "![Percentiles](benchmarks/flood-sqlite.svg)",
            "| commit | a |",
            "| command | `just bench` |",
            "Measured once; goal at most 3.",
            "measured them at 2026-01-02, of the commit a.",
            "| token/sign ES256 | 41.5 µs | 41.0 µs .. 42.1 µs |",
        ] {
            assert!(page.contains(expected), "{expected} is missing in {page}");
        }
    }
}
