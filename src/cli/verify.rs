//! `qstar verify`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use super::lean::LeanArgs;
use super::{Exit, ToolchainFailed, spinner};
use crate::verify::{Rejection, bulk, candidate, recheck};

#[derive(Args)]
pub struct VerifyArgs {
    /// CERT.json; a folder of certificates; or ORIGINAL.lean and CANDIDATE.lean.
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Lean processes at a time, for a folder.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Seconds that Lean may take.
    #[arg(long, default_value_t = 300)]
    time: u64,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: VerifyArgs, lean: LeanArgs) -> Result<Exit> {
    let time = Duration::from_secs(args.time);
    match &args.files[..] {
        [folder] if folder.is_dir() => bulk_run(&args, folder, lean).await,
        [certificate] => {
            if certificate.extension().is_some_and(|e| e == "lean") {
                bail!(
                    "a Lean file alone cannot be verified; give the original first: qstar verify ORIGINAL.lean CANDIDATE.lean"
                );
            }
            crate::verify::Certificate::read(certificate)?;
            let toolchain = lean.toolchain(None).await?;
            let (name, judged) = match recheck(&toolchain, certificate, time).await? {
                Ok(c) => (c.name, Ok(())),
                Err(e @ (Rejection::Process(_) | Rejection::TimedOut(_))) => return Err(ToolchainFailed(e.into()).into()),
                Err(e) => (certificate.display().to_string(), Err(e.to_string())),
            };
            match (&judged, args.json) {
                (_, true) => println!("{}", json!({"name": name, "proved": judged.is_ok(), "reason": judged.as_ref().err()})),
                (Ok(()), false) => println!("{name}: proved"),
                (Err(reason), false) => println!("{name}: NOT proved: {reason}"),
            }
            Ok(if judged.is_ok() { Exit::Success } else { Exit::NotProved })
        }
        [original, proofs] => {
            let read =
                |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
            let (original_text, candidate_text) = (read(original)?, read(proofs)?);
            let toolchain = lean.toolchain(Some(original.clone())).await?;
            let judged = candidate::verify_file(&toolchain, &original_text, &candidate_text, time).await;
            let judged = judged.map_err(|e| if e.is::<Rejection>() { ToolchainFailed(e).into() } else { e })?;
            if args.json {
                println!("{}", serde_json::to_string(&judged)?);
            } else {
                for j in &judged {
                    println!("{}: {}", j.name, j.reason.as_ref().map_or("proved".to_owned(), |r| format!("NOT proved: {r}")));
                }
            }
            Ok(if judged.iter().all(|j| j.proved) { Exit::Success } else { Exit::NotProved })
        }
        _ => bail!("one or two files are needed"),
    }
}

/// A folder of certificates: exit code 0 when every one stands.
async fn bulk_run(args: &VerifyArgs, folder: &Path, lean: LeanArgs) -> Result<Exit> {
    let files = bulk::find(folder)?;
    let workers = args.workers.map_or_else(|| lean.default_workers(), usize::from);
    let toolchain = lean.toolchain(None).await?;
    let (bar, start) = (spinner(), Instant::now());
    let tell = |done: usize| bar.set_message(format!("{done} of {} certificates", files.len()));
    let checked = bulk::check(&toolchain, &files, workers, Duration::from_secs(args.time), tell).await;
    bar.finish_and_clear();
    let checked = checked.map_err(ToolchainFailed)?;
    let seconds = start.elapsed().as_secs_f64();
    let proved = checked.iter().filter(|c| c.proved).count();
    if args.json {
        let version = &toolchain.version;
        println!("{}", json!({"toolchain": version, "proved": proved, "seconds": seconds, "certificates": checked}));
    } else {
        for c in checked.iter().filter(|c| !c.proved) {
            println!("{}: NOT proved: {}", c.file.display(), c.reason.as_deref().unwrap_or("not judged"));
        }
        let rate = checked.len() as f64 / seconds;
        println!("{proved} of {} certificates proved again in {seconds:.1} s ({rate:.1} a second)", checked.len());
    }
    Ok(if proved == checked.len() { Exit::Success } else { Exit::NotProved })
}
