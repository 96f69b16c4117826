//! The times of single parts of the service, as `just micro-bench` measured them with Criterion.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bench::{folder, target_folder};
use crate::machine;

/// The parts that were measured of one commit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Parts {
    /// The machine and what ran on it at the last measurement.
    pub machine: BTreeMap<String, String>,
    /// The times by name, such as `token/sign ES256`.
    pub times: BTreeMap<String, PartTime>,
}

/// The time of one operation, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartTime {
    /// The median of the samples.
    pub median: f64,
    /// The lower bound of the 95 % confidence interval of the median.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// The folder in which Criterion keeps its results.
///
/// # Errors
/// If this program is not in Cargo's target folder.
pub fn criterion_folder() -> Result<PathBuf> {
    Ok(target_folder()?.join("criterion"))
}

/// Saves the results that Criterion has written since `begun`. Results of an earlier run of the same commit stay.
///
/// # Errors
/// If a result cannot be read or the file cannot be written.
pub fn save(begun: SystemTime) -> Result<()> {
    let new = times_since(&criterion_folder()?, begun)?;
    if new.is_empty() {
        return Ok(());
    }
    let machine = machine::describe();
    let saved = last().ok().filter(|saved| saved.machine.get("commit") == machine.get("commit"));
    let mut times = saved.unwrap_or_default().times;
    times.extend(new);
    fs::write(file()?, serde_json::to_vec_pretty(&Parts { machine, times })?)?;
    Ok(())
}

/// Returns what was saved last.
///
/// # Errors
/// If nothing was.
pub fn last() -> Result<Parts> {
    let content = fs::read(file()?).context("the parts have not been measured: run `just micro-bench`")?;
    serde_json::from_slice(&content).context("the saved times of the parts are not readable")
}

fn file() -> Result<PathBuf> {
    Ok(folder()?.join("parts.json"))
}

/// Reads the estimates in `<group>/<function>/new` that are newer than `begun`.
fn times_since(criterion: &Path, begun: SystemTime) -> Result<BTreeMap<String, PartTime>> {
    let mut times = BTreeMap::new();
    for group in folders(criterion) {
        for function in folders(&group) {
            let newest = function.join("new");
            let estimates = newest.join("estimates.json");
            if !fs::metadata(&estimates).and_then(|file| file.modified()).is_ok_and(|at| at >= begun) {
                continue;
            }
            let name = read(&newest.join("benchmark.json"))?;
            let name = name["full_id"].as_str().context("the name of a benchmark")?.to_owned();
            let time = median(&read(&estimates)?).with_context(|| format!("the estimates of {name}"))?;
            times.insert(name, time);
        }
    }
    Ok(times)
}

/// The folders in a folder; none if it does not exist.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn read(file: &Path) -> Result<Value> {
    let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&content).with_context(|| format!("{} is not JSON", file.display()))
}

fn median(estimates: &Value) -> Option<PartTime> {
    let median = &estimates["median"];
    let interval = &median["confidence_interval"];
    Some(PartTime {
        median: median["point_estimate"].as_f64()?,
        low: interval["lower_bound"].as_f64()?,
        high: interval["upper_bound"].as_f64()?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_of_this_run_are_read_and_older_ones_are_not() {
        let criterion = tempfile::tempdir().expect("a folder");
        let results = criterion.path().join("token/sign ES256/new");
        fs::create_dir_all(&results).expect("a folder");
        fs::create_dir_all(criterion.path().join("report")).expect("a folder");
        fs::write(results.join("benchmark.json"), r#"{"full_id":"token/sign ES256"}"#).expect("written");
        let interval = r#"{"confidence_level":0.95,"lower_bound":1.0,"upper_bound":3.0}"#;
        let estimates = format!(r#"{{"median":{{"confidence_interval":{interval},"point_estimate":2.0}}}}"#);
        fs::write(results.join("estimates.json"), estimates).expect("written");

        let now = SystemTime::now();
        let read = times_since(criterion.path(), now - Duration::from_secs(60)).expect("results");
        let expected = PartTime { median: 2.0, low: 1.0, high: 3.0 };
        assert_eq!(read, [("token/sign ES256".to_owned(), expected)].into());
        let read = times_since(criterion.path(), now + Duration::from_secs(60)).expect("no result");
        assert!(read.is_empty());
    }
}
