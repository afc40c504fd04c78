//! `cargo xtask bench`: runs every bench in release mode, says on which machine, and prints what they measured as
//! tables, each figure with its goal and with what was measured beside it in the same run. `--record` writes each group as
//! soon as it is measured to docs/benchmarks.json and makes docs/benchmarks.md of it; other groups stay as they were
//! recorded. Fails only with `--check`, and then only over ratios of one run: a time is no number without
//! its machine.

use crate::run::{self, capture, cargo, command, root, say, target};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{fs, iter};

/// Package, bench and what it is about.
const BENCHES: &[(&str, &str)] = &[
    ("stories", "sign"),
    ("facilitator", "verify"),
    ("facilitator", "busy"),
    ("stories", "port"),
    ("stories", "devnet"),
    ("ledger", "scale"),
    ("view", "export"),
    ("view", "inspect"),
];

/// In the order of the tables.
const GROUPS: &[(&str, &str)] = &[
    ("sign", "Signing and checking, in memory"),
    ("verify", "The facilitator's /verify over HTTP"),
    ("settle", "The facilitator's /settle on a busy node"),
    ("port", "A payment that a limit allows, over the port"),
    ("ledger", "The record"),
    ("devnet", "The devnet"),
    ("inspect", "The inspector"),
];

const INTRODUCTION: &str = "\
# What was measured

Made by `cargo xtask bench --record` from [benchmarks.json](benchmarks.json); nothing here is typed in. Each group says when and of which commit it was
measured. Each figure stands with its goal, and where there is a
peer, with what the peer took in the same run on the same machine. A ratio is this figure by the other, or where it says
*faster*, the other by this one.";

#[derive(Args)]
pub struct Bench {
    /// Only these groups (sign, verify, settle, port, ledger, devnet, inspect).
    groups: Vec<String>,
    /// Sizes of the record, in payments. 10000000 takes 12 GB of disk and about twenty minutes to fill.
    #[arg(long, value_delimiter = ',', default_value = "100000,1000000")]
    rows: Vec<u64>,
    /// Keep filled records in this folder, for another run.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Write docs/benchmarks.md.
    #[arg(long)]
    record: bool,
    /// Fail where a ratio misses its goal.
    #[arg(long)]
    check: bool,
}

/// What was measured of a group in one run, and on what.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Taken {
    machine: Vec<(String, String)>,
    figures: Vec<Figure>,
}

/// By group.
type Record = BTreeMap<String, Taken>;

/// A line `figure {JSON}` of a bench.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    group: String,
    name: String,
    value: f64,
    unit: String,
    at_most: Option<f64>,
    at_least: Option<f64>,
    beside: Option<Beside>,
    ratio: Option<f64>,
    ratio_at_most: Option<f64>,
    ratio_at_least: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Beside {
    name: String,
    value: f64,
}

pub fn bench(options: &Bench) -> Result<()> {
    if let Some(unknown) = options.groups.iter().find(|g| !GROUPS.iter().any(|(name, _)| name == g)) {
        bail!("there is no group `{unknown}`; there are {}", names(GROUPS.iter().map(|(name, _)| *name)));
    }
    let wanted = |bench: &str| options.groups.is_empty() || options.groups.iter().any(|g| g == group_of(bench));
    let benches: Vec<_> = BENCHES.iter().filter(|(_, bench)| wanted(bench)).collect();
    say("building in release mode (several minutes the first time)");
    for (package, bench) in &benches {
        run::run(cargo().args(["bench", "--quiet", "--package", package, "--bench", bench, "--no-run"]))?;
    }
    // On the disk that is built on: a folder in memory would make every durable write look free.
    let folder = target().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut record = Record::new();
    for (package, bench) in &benches {
        say(format!("measuring: {bench}"));
        let machine = machine(&folder.to_string_lossy())?;
        let taken = record.entry(group_of(bench).to_owned()).or_default();
        if taken.machine.is_empty() {
            taken.machine = machine;
        }
        taken.figures.extend(measure(package, bench, options, &folder)?);
        if options.record {
            write(&record)?;
        }
    }
    println!("\n{}", tables(&record));
    let missed: Vec<&Figure> =
        record.values().flat_map(|taken| &taken.figures).filter(|figure| figure.misses_ratio()).collect();
    if options.check && !missed.is_empty() {
        bail!("{} ratios miss their goals: {}", missed.len(), names(missed.iter().map(|f| f.name.as_str())));
    }
    Ok(())
}

/// Takes the place of what was recorded of the same groups.
fn write(new: &Record) -> Result<()> {
    let (data, page) = (root().join("docs/benchmarks.json"), root().join("docs/benchmarks.md"));
    let mut record: Record = match fs::read_to_string(&data) {
        Ok(text) => serde_json::from_str(&text).context("docs/benchmarks.json is of another form; remove it")?,
        Err(_) => Record::new(),
    };
    record.extend(new.clone());
    fs::write(&data, serde_json::to_string_pretty(&record)? + "\n").context("cannot write docs/benchmarks.json")?;
    fs::write(&page, format!("{INTRODUCTION}\n{}", tables(&record))).context("cannot write docs/benchmarks.md")?;
    say("docs/benchmarks.md is written");
    Ok(())
}

/// The group whose figures a bench prints.
fn group_of(bench: &str) -> &str {
    match bench {
        "scale" | "export" => "ledger",
        "busy" => "settle",
        other => other,
    }
}

/// Runs a bench; what it says otherwise is passed on.
fn measure(package: &str, bench: &str, options: &Bench, folder: &Path) -> Result<Vec<Figure>> {
    let rows = options.rows.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let mut cargo = cargo();
    cargo.args(["bench", "--quiet", "--package", package, "--bench", bench]);
    cargo.env("TMPDIR", folder).env("COUNTERSIGN_ROWS", rows).stdout(Stdio::piped());
    if let Some(keep) = &options.keep {
        fs::create_dir_all(keep).with_context(|| format!("cannot create {}", keep.display()))?;
        cargo.env("COUNTERSIGN_KEEP", fs::canonicalize(keep)?);
    }
    let mut running = cargo.spawn().context("cannot start cargo")?;
    let said = BufReader::new(running.stdout.take().context("the bench's output is piped")?);
    let mut figures = Vec::new();
    for line in said.lines() {
        let line = line?;
        match line.strip_prefix("figure ") {
            Some(json) => {
                let figure: Figure = serde_json::from_str(json).with_context(|| format!("{bench} said {line}"))?;
                say(figure.line());
                figures.push(figure);
            }
            None => println!("{line}"),
        }
    }
    if !running.wait()?.success() {
        bail!("the bench `{bench}` failed");
    }
    Ok(figures)
}

impl Figure {
    fn misses_ratio(&self) -> bool {
        self.ratio.is_some_and(|ratio| {
            self.ratio_at_most.is_some_and(|goal| ratio > goal) || self.ratio_at_least.is_some_and(|goal| ratio < goal)
        })
    }

    fn misses(&self) -> bool {
        let by_value =
            self.at_most.is_some_and(|goal| self.value > goal) || self.at_least.is_some_and(|goal| self.value < goal);
        by_value || self.misses_ratio()
    }

    fn goal(&self) -> String {
        let goals = [
            self.at_most.map(|goal| format!("≤ {} {}", number(goal), self.unit)),
            self.at_least.map(|goal| format!("≥ {} {}", number(goal), self.unit)),
            self.ratio_at_most.map(|goal| format!("≤ {} times", number(goal))),
            self.ratio_at_least.map(|goal| format!("≥ {} times faster", number(goal))),
        ];
        let goals: Vec<String> = goals.into_iter().flatten().collect();
        match (goals.is_empty(), self.misses()) {
            (true, _) => String::new(),
            (false, true) => format!("**missed**: {}", goals.join(", ")),
            (false, false) => format!("met: {}", goals.join(", ")),
        }
    }

    fn beside(&self) -> (String, String) {
        let beside = self.beside.as_ref();
        let name = beside.map(|b| format!("{}: {} {}", b.name, number(b.value), self.unit)).unwrap_or_default();
        let faster = if self.ratio_at_least.is_some() { " faster" } else { "" };
        (name, self.ratio.map(|ratio| format!("{}{faster}", number(ratio))).unwrap_or_default())
    }

    fn line(&self) -> String {
        let (beside, ratio) = self.beside();
        let parts = [format!("{}: {} {}", self.name, number(self.value), self.unit), ratio, beside, self.goal()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }
}

/// As many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 10_000.0 => grouped(value),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 || value.fract() == 0.0 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|g| str::from_utf8(g).ok()).collect();
    groups.join(",")
}

fn tables(record: &Record) -> String {
    let mut text = String::new();
    for (group, title) in GROUPS {
        let Some(taken) = record.get(*group).filter(|taken| !taken.figures.is_empty()) else { continue };
        let rows: Vec<[String; 5]> = taken.figures.iter().map(row).collect();
        let facts: Vec<String> = taken.machine.iter().map(|(fact, value)| format!("{fact} {value}")).collect();
        let _ = writeln!(text, "\n## {title}\n\n{}\n", facts.join(" · "));
        let head = ["", "measured", "beside it", "ratio", "goal"].map(str::to_owned);
        let widths: Vec<usize> = (0..5)
            .map(|column| iter::once(&head).chain(&rows).map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let line = |row: &[String; 5]| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
        };
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width + 2)).collect();
        let _ = writeln!(text, "{}\n|{}|", line(&head), rule.join("|"));
        for row in &rows {
            let _ = writeln!(text, "{}", line(row));
        }
    }
    text
}

fn row(figure: &Figure) -> [String; 5] {
    let (beside, ratio) = figure.beside();
    [figure.name.clone(), format!("{} {}", number(figure.value), figure.unit), beside, ratio, figure.goal()]
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    all.collect::<Vec<_>>().join(", ")
}

/// What the numbers depend on.
fn machine(folder: &str) -> Result<Vec<(String, String)>> {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let value =
            text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':')).map(|(_, value)| value.trim());
        value.unwrap_or("unknown").to_owned()
    };
    let said = |program: &str, arguments: &[&str]| {
        let said = capture(command(program).args(arguments)).unwrap_or_default();
        said.lines().last().unwrap_or("unknown").trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let commit = capture(command("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root()));
    let facts = [
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("commit", commit.unwrap_or_default().trim().to_owned()),
        ("processor", format!("{} ({cores} cores)", field("/proc/cpuinfo", "model name"))),
        ("load before", load.split(' ').next().unwrap_or("unknown").to_owned()),
        ("memory", field("/proc/meminfo", "MemTotal")),
        ("disk", said("df", &["--output=fstype", folder])),
        ("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("built by", format!("{}, profile release", capture(cargo().arg("--version"))?.trim())),
    ];
    Ok(facts.map(|(fact, value)| (fact.to_owned(), value)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(json: &str) -> Figure {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_figure_says_whether_its_goals_are_met() {
        let plain = figure(r#"{"group":"ledger","name":"open","value":1.9,"unit":"ms"}"#);
        assert_eq!((plain.line().as_str(), plain.misses()), ("open: 1.90 ms", false));
        let slow = figure(r#"{"group":"ledger","name":"page","value":5.1,"unit":"ms","at_most":5}"#);
        assert_eq!(slow.goal(), "**missed**: ≤ 5 ms");
        assert!(!slow.misses_ratio(), "a time alone fails nothing");
        let json = r#"{"group":"sign","name":"sign","value":40,"unit":"µs","beside":{"name":"tronweb","value":1455},
            "ratio":36.4,"ratio_at_least":35}"#;
        assert_eq!(figure(json).line(), "sign: 40 µs · 36.4 faster · tronweb: 1455 µs · met: ≥ 35 times faster");
        assert!(figure(&json.replace("36.4", "34.9")).misses_ratio());
    }

    #[test]
    fn tables_are_in_order_and_only_where_something_was_measured() {
        let figures = [
            figure(r#"{"group":"ledger","name":"export","value":123456.7,"unit":"rows/s"}"#),
            figure(r#"{"group":"sign","name":"sign","value":0.01234,"unit":"ms","at_most":1}"#),
        ];
        let taken =
            |figure: &Figure| Taken { machine: vec![("date".into(), "today".into())], figures: vec![figure.clone()] };
        let text = tables(&figures.iter().map(|figure| (figure.group.clone(), taken(figure))).collect());
        let sign = text.find("## Signing").unwrap();
        assert!(sign < text.find("## The record").unwrap() && !text.contains("The devnet"), "{text}");
        assert!(text.contains("| export | 123,457 rows/s |") && text.contains("met: ≤ 1 ms"), "{text}");
    }
}
