//! `qstar report`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Exit, put, say};
use crate::record;
use crate::report::Picture;
use crate::verify::Certificate;

#[derive(Args)]
pub struct ReportArgs {
    /// The trace of a search (`qstar prove --trace`), or its records (`qstar bench --records`), compressed or not.
    trace: PathBuf,
    /// The page; by default the trace's name with `.html`.
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// The certificate of the proof, to be shown with it.
    #[arg(long, value_name = "CERT.json")]
    certificate: Option<PathBuf>,
}

pub fn run(args: &ReportArgs) -> Result<Exit> {
    let certificate = args.certificate.as_deref().map(Certificate::read).transpose()?;
    let picture = Picture::new(&record::read(&args.trace)?)?.with_certificate(certificate);
    let out = args.out.clone().unwrap_or_else(|| {
        let plain =
            if args.trace.extension().is_some_and(|e| e == "gz") { args.trace.with_extension("") } else { args.trace.clone() };
        plain.with_extension("html")
    });
    put(&out, &picture.page()?)?;
    say(format_args!("{}", out.display()))?;
    Ok(Exit::Success)
}
