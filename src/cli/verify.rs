//! `qstar verify`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use super::{Exit, ToolchainFailed};
use crate::verify::{Rejection, candidate, recheck};

#[derive(Args)]
pub struct VerifyArgs {
    /// CERT.json; or ORIGINAL.lean and CANDIDATE.lean.
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Seconds that Lean may take.
    #[arg(long, default_value_t = 300)]
    time: u64,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: VerifyArgs, lean: Option<PathBuf>) -> Result<Exit> {
    let time = Duration::from_secs(args.time);
    match &args.files[..] {
        [certificate] => {
            if certificate.extension().is_some_and(|e| e == "lean") {
                bail!(
                    "a Lean file alone cannot be verified; give the original first: qstar verify ORIGINAL.lean CANDIDATE.lean"
                );
            }
            crate::verify::Certificate::read(certificate)?;
            let toolchain = super::toolchain(lean, None).await?;
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
            let toolchain = super::toolchain(lean, Some(original.clone())).await?;
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
