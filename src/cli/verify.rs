//! `qstar verify`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::lean::LeanArgs;
use super::{Exit, ToolchainFailed, on_interrupt, say, spinner};
use crate::files::read_lean;
use crate::verify::{
    ALLOWED_AXIOMS, Axioms, Certificate, Kernel, Originals, Rejection, Standing, bulk, candidate, printable, recheck,
};

#[derive(Args)]
pub struct VerifyArgs {
    /// CERT.json; a folder of certificates; ORIGINAL.lean and CANDIDATE.lean; or both compiled (.olean).
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Lean processes at a time, for a folder.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Seconds that Lean may take.
    #[arg(long, default_value_t = 300)]
    time: u64,
    /// A kernel that must agree: `leanchecker` (of the toolchain, Lean 4.28 and newer), `nanoda` (the program `nanoda_bin`, or
    /// nanoda=PATH), or a program that takes a compiled file.
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<Kernel>,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: VerifyArgs, lean: LeanArgs) -> Result<Exit> {
    let time = Duration::from_secs(args.time);
    if args.kernel.is_some() && args.files.len() == 1 {
        bail!("--kernel is for proofs beside their original: qstar verify ORIGINAL CANDIDATE; leave it out for certificates");
    }
    match &args.files[..] {
        [folder] if folder.is_dir() => bulk_run(&args, folder, lean).await,
        [certificate] => {
            if certificate.extension().is_some_and(|e| e == "lean") {
                bail!(
                    "a Lean file alone cannot be verified; give the original first: qstar verify ORIGINAL.lean CANDIDATE.lean"
                );
            }
            let name = Certificate::read(certificate)?.name;
            let toolchain = lean.toolchain(None).await?;
            let rechecked = recheck(&toolchain, certificate, time).await?;
            let verdict = match &rechecked {
                Ok(_) => Standing::Accepted,
                Err(error) if error.is_unchecked() => Standing::Unchecked,
                Err(_) => Standing::Refused,
            };
            let reason = rechecked.as_ref().err().map(ToString::to_string);
            let (axioms, of_header) = match &rechecked {
                Ok(Certificate { axioms: Axioms::Listed(axioms), axioms_of_header, .. }) => {
                    (axioms.clone(), axioms_of_header.clone())
                }
                _ => (Vec::new(), Vec::new()),
            };
            if args.json {
                let proved = verdict == Standing::Accepted;
                let told = json!({"name": name, "proved": proved, "verdict": verdict, "reason": reason, "axioms": axioms});
                say(told)?;
            } else {
                let note = of_header.join(", ");
                let note = if note.is_empty() { note } else { format!(" (from axioms that its header declares: {note})") };
                say(line(&name, verdict, reason.as_deref(), &note))?;
            }
            Ok(exit([verdict]))
        }
        [original, proofs] => {
            let toolchain = lean.toolchain(Some(original.clone())).await?;
            let compiled = |path: &PathBuf| path.extension().is_some_and(|e| e == "olean");
            let judged = match (compiled(original), compiled(proofs)) {
                (true, true) => candidate::verify_compiled(&toolchain, original, proofs, time, args.kernel.as_ref()).await,
                (false, false) => {
                    let (ours, theirs) = (read_lean(original)?, read_lean(proofs)?);
                    candidate::verify_file(&toolchain, &Originals::default(), &ours, &theirs, time, args.kernel.as_ref()).await
                }
                _ => bail!("give two Lean files, or two compiled ones (.olean)"),
            };
            let judged = judged.map_err(|e| if e.is::<Rejection>() { ToolchainFailed(e).into() } else { e })?;
            if args.json {
                say(serde_json::to_string(&judged)?)?;
            } else {
                for j in &judged {
                    let kernel = j.kernel.iter().map(|told| format!(" ({told})"));
                    let note: String = std::iter::once(resting(&j.axioms)).chain(kernel).collect();
                    say(line(&j.name, j.verdict, j.reason.as_deref(), &note))?;
                }
            }
            Ok(exit(judged.iter().map(|j| j.verdict)))
        }
        _ => bail!("one or two files are needed"),
    }
}

/// A verdict in a line; whatever came from a file is escaped.
fn line(name: &str, verdict: Standing, reason: Option<&str>, note: &str) -> String {
    let (name, reason) = (printable(name), printable(reason.unwrap_or("no reason is known")));
    match verdict {
        Standing::Accepted => format!("{name}: proved{}", printable(note)),
        Standing::Refused => format!("{name}: NOT proved: {reason}"),
        Standing::Unchecked => format!("{name}: could not be checked: {reason}"),
    }
}

/// Names the axioms beyond Lean's own.
fn resting(axioms: &[String]) -> String {
    let own: Vec<&str> = axioms.iter().map(String::as_str).filter(|a| !ALLOWED_AXIOMS.contains(a)).collect();
    if own.is_empty() { String::new() } else { format!(" (from axioms of the original: {})", own.join(", ")) }
}

/// A refusal says more than what could not be checked.
fn exit(verdicts: impl IntoIterator<Item = Standing>) -> Exit {
    verdicts.into_iter().fold(Exit::Success, |worst, verdict| match (worst, verdict) {
        (Exit::NotProved, _) | (_, Standing::Refused) => Exit::NotProved,
        (_, Standing::Unchecked) => Exit::Toolchain,
        (worst, Standing::Accepted) => worst,
    })
}

/// A folder of certificates: exit code 0 when every one stands.
async fn bulk_run(args: &VerifyArgs, folder: &Path, lean: LeanArgs) -> Result<Exit> {
    let files = bulk::find(folder)?;
    let workers = args.workers.map_or_else(|| lean.default_workers(), usize::from);
    let toolchain = lean.toolchain(None).await?;
    let (bar, start) = (spinner(), Instant::now());
    let tell = |done: usize| bar.set_message(format!("{done} of {} certificates", files.len()));
    let cancel = on_interrupt()?;
    let checked = bulk::check(&toolchain, &files, workers, Duration::from_secs(args.time), &cancel, tell).await;
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    let proved = checked.iter().filter(|c| c.proved).count();
    if args.json {
        let version = &toolchain.version;
        say(json!({"toolchain": version, "proved": proved, "seconds": seconds, "certificates": checked}))?;
    } else {
        for c in checked.iter().filter(|c| !c.proved) {
            say(line(&c.file.display().to_string(), c.verdict, c.reason.as_deref(), ""))?;
        }
        let rate = checked.len() as f64 / seconds;
        say(format_args!("{proved} of {} certificates proved again in {seconds:.1} s ({rate:.1} a second)", checked.len()))?;
    }
    let stopped = cancel.is_cancelled() && checked.iter().any(|c| c.verdict == Standing::Unchecked);
    Ok(if stopped { Exit::Stopped } else { exit(checked.iter().map(|c| c.verdict)) })
}
