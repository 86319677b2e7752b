//! The search alone, without Lean: `cargo bench --bench search`.
//!
//! Lean's answers come from a recorded search (`answers.jsonl.gz`, made by `qstar prove benchmarks/small.lean:square_mod_eight
//! --trace`): each candidate gets one of them, picked by a hash, its goals made different from others so that the graph
//! grows to the size that is measured. Policy, value, strategies and graph are the real ones.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, ensure};
use clap::ValueEnum;
use qstar::lean::{Candidate, Goal, Hole, Verdict};
use qstar::policy::Moves;
use qstar::record;
use qstar::search::{Budget, Event, Oracle, Search, StopReason, StrategyKind, VerdictKind};
use qstar::value::Heuristic;

/// Lean's recorded answers: the goals left, or Lean's message.
struct Replay {
    answers: Vec<Result<Vec<Goal>, String>>,
    /// Goals are told apart by this many marks; with fewer, more of them meet.
    marks: u64,
}

impl Replay {
    fn read(path: &Path, marks: u64) -> Result<Replay> {
        let events = record::read(path)?;
        let mut states = HashMap::new();
        for event in &events {
            if let Event::Goal { goal, state, .. } = event {
                states.insert(*goal, Goal::parse_all(state)?);
            }
        }
        let mut answers = Vec::new();
        for event in events {
            if let Event::Tried { verdict, left, message, .. } = event {
                answers.push(match verdict {
                    VerdictKind::Goals if !left.is_empty() => {
                        Ok(left.iter().filter_map(|g| states.get(g)).flatten().cloned().collect())
                    }
                    // A goal that is closed would end the growth.
                    _ => Err(message.unwrap_or_default()),
                });
            }
        }
        ensure!(answers.iter().any(Result::is_ok), "no step was recorded in {}", path.display());
        Ok(Replay { answers, marks })
    }
}

impl Oracle for Replay {
    async fn check(&self, candidates: Vec<Candidate>) -> Vec<Verdict> {
        let answer = |c: Candidate| {
            let mut hasher = DefaultHasher::new();
            (&c.hole.before, &c.tactic).hash(&mut hasher);
            let pick = hasher.finish();
            match &self.answers[(pick % self.answers.len() as u64) as usize] {
                Ok(goals) => {
                    let different = |(i, g): (usize, &Goal)| Goal {
                        target: format!("{} ∨ {} = {i}", g.target, (pick >> 8) % self.marks),
                        ..g.clone()
                    };
                    Verdict::Goals(goals.iter().enumerate().map(different).collect())
                }
                Err(message) => Verdict::Failed(message.clone()),
            }
        };
        candidates.into_iter().map(answer).collect()
    }
}

fn resident() -> u64 {
    let mut system = sysinfo::System::new();
    let me = sysinfo::Pid::from_u32(std::process::id());
    let kind = sysinfo::ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::Some(&[me]), true, kind);
    system.process(me).map_or(0, sysinfo::Process::memory)
}

/// Prints the table; each row is measured by a process of its own, so that none finds memory that another let go.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    if let [_, flag, name, goals] = &words[..]
        && flag == "--row"
    {
        println!("{}", serde_json::to_string(&row(name, goals.parse()?).await?)?);
        return Ok(());
    }
    println!("| strategy | goals | checks | checks/s | µs a check | against 1,000 goals | bytes a goal |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for name in ["best-first", "mcts", "rmax"] {
        let mut first = None;
        for goals in ["1000", "10000", "100000"] {
            let output = Command::new(std::env::current_exe()?).args(["--row", name, goals]).output()?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let (nodes, checks, seconds, bytes): (u64, u64, f64, u64) = serde_json::from_slice(&output.stdout)?;
            let micros = seconds * 1e6 / checks as f64;
            let ratio = micros / *first.get_or_insert(micros);
            let (rate, each) = (checks as f64 / seconds, bytes / nodes);
            println!("| {name} | {nodes} | {checks} | {rate:.0} | {micros:.1} | {ratio:.2} | {each} |");
        }
    }
    Ok(())
}

/// Grows a graph: its goals, the checks it took, seconds, and bytes that the process has more than before.
async fn row(name: &str, goals: usize) -> Result<(usize, u64, f64, u64)> {
    let answers = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benchmarks/answers.jsonl.gz"));
    let kind = StrategyKind::from_str(name, false).map_err(Error::msg)?;
    let oracle = Replay::read(answers, 4 * goals as u64)?;
    // The first answer must be the goal itself.
    let root = Replay { answers: vec![Ok(vec![Goal::parse("n : Nat\nh : n % 2 = 1\n⊢ n ^ 2 % 8 = 1")?])], marks: 1 };
    let begin = Switch { first: std::sync::Mutex::new(Some(root)), then: oracle };
    let before = resident();
    let budget = Budget { nodes: goals, checks: u64::MAX, time: Duration::from_secs(600), ..Budget::default() };
    let policy = Moves::default();
    let place = Hole::whole("example (n : Nat) (h : n % 2 = 1) : n ^ 2 % 8 = 1");
    let start = Instant::now();
    let mut search = Search::begin(&begin, &policy, &Heuristic, place, budget).await?.with_strategy(kind);
    let reason = search.run(|_| ()).await;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(reason == StopReason::Nodes, "{name} stopped early: {reason}");
    Ok((search.graph().goals(), search.spent().checks, seconds, resident().saturating_sub(before)))
}

/// One oracle for the first question, another for the rest.
struct Switch {
    first: std::sync::Mutex<Option<Replay>>,
    then: Replay,
}

impl Oracle for Switch {
    async fn check(&self, candidates: Vec<Candidate>) -> Vec<Verdict> {
        let first = self.first.lock().ok().and_then(|mut f| f.take());
        match first {
            Some(oracle) => oracle.check(candidates).await,
            None => self.then.check(candidates).await,
        }
    }
}
