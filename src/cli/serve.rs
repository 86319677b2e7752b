//! `qstar serve`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::guidance::Guidance;
use super::lean::LeanArgs;
use super::{Exit, ToolchainFailed};
use crate::lean::Pool;
use crate::serve::{self, Access, Desk, Limits, Outfit, Roots};
use crate::verify::Originals;

#[derive(Args)]
pub struct ServeArgs {
    /// Speak MCP on standard input and output: for an agent that starts its tools itself.
    #[arg(long, required_unless_present = "http", conflicts_with = "http")]
    stdio: bool,
    /// Serve HTTP there: REST for training loops, MCP at /mcp. Without ADDRESS: 127.0.0.1:8000.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8000")]
    http: Option<String>,
    /// A file with the token that clients must send (`Authorization: Bearer TOKEN`); or QSTAR_TOKEN in the environment.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A name of this machine by which clients may call the server.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<String>,
    /// A web page's origin (`https://example.org`) that may ask; no other page may.
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<String>,
    /// A folder whose files clients may name; the first one's Lake project is the one that is worked in.
    #[arg(long, value_name = "FOLDER")]
    root: Vec<PathBuf>,
    /// Most megabytes of a request.
    #[arg(long, value_name = "MB", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_body: u32,
    /// Requests that run at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_running: u32,
    /// Requests that may wait; more are told to come again later (429).
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    queue: u32,
    /// Searches that run at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    max_searches: u32,
    /// Most seconds that a client may ask for.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    max_time: u64,
    /// Write the log as JSON, one object a line, with times.
    #[arg(long)]
    pub log_json: bool,
    // For `prove` and `fill`, where a client says nothing of it.
    #[command(flatten)]
    guidance: Guidance,
}

/// Exit code 0: told to stop; 3: no Lean.
pub async fn run(args: ServeArgs, lean: LeanArgs) -> Result<Exit> {
    let access = Access { token: token(&args)?, hosts: args.allow_host.clone(), origins: args.allow_origin.clone() };
    let roots = Roots::new(&args.root).context("a --root is not there")?;
    let limits = Limits {
        body: args.max_body as usize * (1 << 20),
        running: args.max_running as usize,
        queue: args.queue as usize,
        searches: args.max_searches as usize,
        time: Duration::from_secs(args.max_time),
    };
    let near = roots.first().map(|r| r.to_owned());
    let desk = Arc::new(Desk::new(limits, roots, super::on_interrupt()?));
    let Some(address) = &args.http else {
        serve::run_stdio(desk, outfit(&args, lean, near)).await?;
        return Ok(Exit::Success);
    };
    open_many_files();
    let place = serve::listen(address, &access).await?;
    eprintln!("qstar serves at http://{}", place.1);
    serve::run_http(desk, access, place, outfit(&args, lean, near)).await.map_err(ToolchainFailed)?;
    Ok(Exit::Success)
}

/// Lean, its workers and what guides searches.
async fn outfit(args: &ServeArgs, lean: LeanArgs, near: Option<PathBuf>) -> Result<Outfit> {
    let workers = args.guidance.workers(&lean);
    let options = lean.pool(workers);
    let (toolchain, fetched) = super::outfit(lean, near, &args.guidance).await?;
    let (setting, policies) = args.guidance.setting(&toolchain, &fetched).await?;
    let pool = Pool::new(toolchain.clone(), options);
    Ok(Outfit { toolchain, pool, policies, setting, workers, originals: Originals::default() })
}

/// Connections are files: more of them than the 1,024 that a shell gives, as far as the system lets us.
fn open_many_files() {
    const ENOUGH: u64 = 1 << 16;
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // What cannot be had is no error: then fewer connections are taken at a time.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(ENOUGH).max(soft), hard);
    }
}

fn token(args: &ServeArgs) -> Result<Option<String>> {
    let named = args
        .token_file
        .as_ref()
        .map(|path| std::fs::read_to_string(path).with_context(|| format!("cannot read the token in {}", path.display())));
    let token = match named {
        Some(text) => Some(text?),
        None => std::env::var("QSTAR_TOKEN").ok(),
    };
    let token = token.map(|t| t.trim().to_owned());
    if token.as_ref().is_some_and(String::is_empty) {
        bail!("the token is empty; write one into --token-file or QSTAR_TOKEN, or unset it");
    }
    Ok(token)
}
