//! Reports the measurements: a table, a page and its pictures.

mod format;
mod page;
mod svg;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::bench::say;
use crate::measure::{Measured, Spread};
use crate::parts::{self, Parts};
use crate::run::{SavedRun, last};

pub use format::table;

/// The fewest pairs that a page is made of.
const MIN_PAIRS: usize = 5;

/// Writes `docs/benchmarks.md` between its two marks, and `docs/benchmarks/*.svg`, from what was measured last.
///
/// # Errors
/// If something has not been measured, less than five times, or not of the same commit as the rest.
pub fn write() -> Result<()> {
    let (kept, parts) = (last()?, parts::last()?);
    check(&kept, &parts)?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let (file, pictures) = (docs.join("benchmarks.md"), docs.join("benchmarks"));
    let before = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    fs::create_dir_all(&pictures)?;
    for (name, picture) in pictures_of(&kept) {
        fs::write(pictures.join(name), picture)?;
    }
    fs::write(&file, page::between(&before, &page::measured(&kept, &parts))?)?;
    say(format_args!("wrote {}", file.display()));
    Ok(())
}

/// A page never mixes what was measured of different programs, or too seldom.
fn check(kept: &[SavedRun], parts: &Parts) -> Result<()> {
    let first = kept.first().context("nothing was measured")?;
    let (commit, other) = (parts.machine.get("commit"), first.machine.get("commit"));
    ensure!(
        commit == other,
        "the parts: measured of {commit:?}, and others of {other:?}; run `just micro-bench`"
    );
    for one in kept {
        let names: Vec<_> = one.measured.iter().map(|measured| &*measured.id).collect();
        let names = names.join(", ");
        ensure!(
            one.rounds >= MIN_PAIRS,
            "{names}: {} pairs, and a page is made of {MIN_PAIRS} or more",
            one.rounds
        );
        let (commit, other) = (one.machine.get("commit"), first.machine.get("commit"));
        ensure!(commit == other, "{names}: measured of {commit:?}, and others of {other:?}");
    }
    Ok(())
}

fn pictures_of(kept: &[SavedRun]) -> Vec<(PathBuf, String)> {
    let all: Vec<&Measured> = kept.iter().flat_map(|kept| &kept.measured).collect();
    let mut pictures = vec![(PathBuf::from("ratios.svg"), svg::bars(&bars(&all)))];
    for measured in all {
        let curves = curves(measured);
        if !curves.is_empty() {
            let title = format!("{}: percentiles in {}", measured.name.replace('`', ""), measured.unit);
            pictures.push((format!("{}.svg", measured.id).into(), svg::curves(&title, &curves)));
        }
    }
    pictures
}

/// How far each goal was reached: 1 is the goal, more is better, whichever way its numbers are good.
fn bars(measured: &[&Measured]) -> Vec<svg::Bar> {
    measured.iter().filter_map(|measured| bar(measured)).collect()
}

fn bar(measured: &Measured) -> Option<svg::Bar> {
    let Spread { median, min, max } = measured.reached()?;
    Some(svg::Bar {
        name: measured.name.replace('`', ""),
        said: format!("{} ({})", format::number(median), format::goal(measured)),
        share: format::share_of_goal(measured, median)?,
        from: format::share_of_goal(measured, min)?,
        to: format::share_of_goal(measured, max)?,
    })
}

/// The series among the details of a measure's rounds: of `idle p99 ms` the series is `idle`, a point of it 99.
fn curves(measured: &Measured) -> Vec<svg::Curve> {
    let names = measured.rounds.first().map(|round| round.detail.keys()).into_iter().flatten();
    let mut curves: Vec<svg::Curve> = Vec::new();
    for name in names {
        let Some((series, percent)) = name.strip_suffix(" ms").and_then(|name| name.rsplit_once(" p")) else {
            continue;
        };
        let (Ok(percent), Some(spread)) = (percent.parse::<f64>(), measured.detail(name)) else { continue };
        let point = (percent, spread.median);
        match curves.iter_mut().find(|curve| curve.name == series) {
            Some(curve) => curve.points.push(point),
            None => curves.push(svg::Curve { name: series.to_owned(), points: vec![point] }),
        }
    }
    for curve in &mut curves {
        curve.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Better, Goal, Round};
    use crate::parts::PartTime;

    pub(super) fn flood() -> Measured {
        let details = [("idle p50 ms", 0.2), ("idle p99.9 ms", 1.0), ("idle p99 ms", 0.5), ("503/s", 9.0)];
        let detail = details.map(|(name, value)| (name.to_owned(), value)).into();
        Measured {
            id: "flood-sqlite".to_owned(),
            name: "`/me` p99 <&> more".to_owned(),
            unit: "ms".to_owned(),
            better: Better::Lower,
            goal: Some(Goal::Ratio(3.0)),
            limit: "its own idle p99".to_owned(),
            rounds: vec![Round { limit: Some(1.0), ours: 2.0, detail }],
            notes: vec!["A note.".to_owned()],
        }
    }

    pub(super) fn kept(commit: &str, rounds: usize) -> SavedRun {
        SavedRun {
            machine: [("commit".to_owned(), commit.to_owned())].into(),
            command: "just bench".to_owned(),
            rounds,
            seconds: 4.0,
            measured: vec![flood()],
        }
    }

    #[test]
    fn percentiles_become_ordered_curves() {
        let curves = curves(&flood());
        let points: Vec<_> = curves.iter().map(|curve| (&*curve.name, &*curve.points)).collect();
        assert_eq!(points, [("idle", &[(50.0, 0.2), (99.0, 0.5), (99.9, 1.0)][..])]);
    }

    pub(super) fn parts(commit: &str) -> Parts {
        let time = PartTime { median: 41_500.0, low: 41_000.0, high: 42_100.0 };
        Parts {
            machine: [("commit", commit), ("date", "2026-01-02")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            times: [("token/sign ES256".to_owned(), time)].into(),
        }
    }

    #[test]
    fn page_needs_five_pairs_of_one_commit() {
        assert!(check(&[kept("a", 5), kept("a", 6)], &parts("a")).is_ok());
        assert!(check(&[kept("a", 5), kept("a", 4)], &parts("a")).is_err());
        assert!(check(&[kept("a", 5), kept("b", 5)], &parts("a")).is_err());
        assert!(check(&[kept("a", 5)], &parts("b")).is_err());
        assert!(check(&[], &parts("a")).is_err());
    }

    #[test]
    fn half_of_the_allowed_value_is_twice_the_goal() {
        let bars = bars(&[&flood()]);
        assert!((bars[0].share - 1.5).abs() < 1e-9, "2 where 3 is allowed");
    }
}
