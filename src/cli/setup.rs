//! `qstar setup`.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::{Exit, ToolchainFailed, say, spinner};
use crate::network::runtime;
use crate::toolchain::portable;

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
