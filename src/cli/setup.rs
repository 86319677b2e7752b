//! `qstar setup` and `qstar doctor`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::{Exit, ToolchainFailed, say, spinner};
use crate::network::runtime;
use crate::toolchain::{Source, Toolchain, Wish, portable};

#[derive(Args)]
pub struct SetupArgs {
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

/// Makes the portable Lean, also when another one is there, and fetches ONNX Runtime where there is none.
pub fn setup(args: &SetupArgs) -> Result<Exit> {
    let home = portable::cache_home().map_err(ToolchainFailed)?;
    let lean = portable::install(&home, &spinner()).map_err(ToolchainFailed)?;
    if !args.json {
        say(format_args!("the portable Lean is at {}", lean.display()))?;
    }
    let library =
        runtime::find(None, &home)?.map_or_else(|| runtime::install(&home, &spinner()), Ok).map_err(ToolchainFailed)?;
    if args.json {
        say(format_args!("{}", json!({"lean": lean, "onnxruntime": library})))?;
    } else {
        say(format_args!("ONNX Runtime is at {}", library.display()))?;
    }
    Ok(Exit::Success)
}

/// One line of the doctor's report.
struct Finding {
    what: &'static str,
    good: bool,
    text: String,
}

pub fn doctor(lean: Option<PathBuf>, as_json: bool) -> Result<Exit> {
    let mut findings = Vec::new();
    let near = std::env::current_dir().ok();
    let found = Toolchain::find(&Wish { lean, near });
    let (good, text) = match &found {
        Ok(Some(t)) => (true, format!("{} ({})", t.version, origin(t.source))),
        Ok(None) => (false, "none; run `qstar setup` for the portable one, or install Lean with elan".to_owned()),
        Err(e) => (false, format!("{e:#}")),
    };
    findings.push(Finding { what: "Lean", good, text });
    let needs_node = !matches!(&found, Ok(Some(t)) if t.source != Source::Portable);
    let node = portable::node_version();
    let text = match &node {
        Ok(version) => version.clone(),
        Err(e) if needs_node => format!("{e:#}"),
        Err(_) => "not found, and not needed: Lean is not the portable one".to_owned(),
    };
    findings.push(Finding { what: "Node.js", good: node.is_ok() || !needs_node, text });
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let free = system.available_memory() >> 20;
    let workers = super::guidance::default_workers();
    let enough = free >= 2048;
    let remedy = if enough { "" } else { "; a worker needs about 1.5 GB: close other programs" };
    findings.push(Finding {
        what: "memory",
        good: enough,
        text: format!("{free} MB free; {workers} Lean worker(s) by default{remedy}"),
    });
    let home = portable::cache_home();
    let text = home.as_ref().map_or_else(|e| e.to_string(), |h| h.display().to_string());
    findings.push(Finding { what: "cache", good: home.is_ok(), text });
    let library = home.as_ref().ok().and_then(|h| runtime::find(None, h).transpose());
    let (good, text) = match library {
        Some(Ok(path)) => (true, path.display().to_string()),
        Some(Err(error)) => (false, format!("{error:#}")),
        None => (true, "not there yet; fetched with pip the first time a network is wanted, or by `qstar setup`".to_owned()),
    };
    findings.push(Finding { what: "ONNX", good, text });
    if as_json {
        let rows: Vec<_> = findings.iter().map(|f| json!({"what": f.what, "ok": f.good, "text": f.text})).collect();
        say(format_args!(
            "{}",
            json!({"ok": findings.iter().all(|f| f.good), "toolchain": found.ok().flatten(), "findings": rows})
        ))?;
    } else {
        for f in &findings {
            say(format_args!("{} {:8} {}", if f.good { "ok " } else { "NO " }, f.what, f.text))?;
        }
    }
    Ok(if findings.iter().all(|f| f.good) { Exit::Success } else { Exit::Toolchain })
}

fn origin(source: Source) -> &'static str {
    match source {
        Source::Named => "named by --lean or QSTAR_LEAN",
        Source::Project => "the Lake project's own",
        Source::Path => "on the PATH",
        Source::Portable => "portable, in the cache",
    }
}
