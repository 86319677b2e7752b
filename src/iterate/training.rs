//! Training between two rounds: the Python package in `training/`, as child processes that end with us and go on where an
//! earlier one was killed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// How networks are trained.
#[derive(Debug, Clone)]
pub struct Trainer {
    pub python: PathBuf,
    /// The folder of the Python package.
    pub package: PathBuf,
    /// Train the policy that writes text, too; else ranker and value alone, beside the policy of `base`.
    pub text: bool,
    /// The networks whose policy stays as it is when only ranker and value are trained.
    pub base: PathBuf,
    /// More arguments for the training of the policy, and of the ranker.
    pub train_args: Vec<String>,
    pub ranker_args: Vec<String>,
}

/// The last file that training writes.
const LAST: &str = "value_parity.json";
/// The policy, as it is taken over from other networks.
const TEXT: [&str; 5] = ["model.onnx", "tokenizer.json", "config.json", "generation_config.json", "qstar.json"];

/// Whether a folder of networks is whole.
pub fn is_done(networks: &Path) -> bool {
    networks.join(LAST).exists()
}

impl Trainer {
    /// Trains on tables of the export; `false`: cancelled.
    ///
    /// # Errors
    /// When Python cannot be started, or training fails.
    pub async fn train(&self, data: &Path, networks: &Path, cancel: &CancellationToken) -> Result<bool> {
        std::fs::create_dir_all(networks).with_context(|| format!("cannot make the folder {}", networks.display()))?;
        if !self.text {
            for (from, to) in TEXT.map(|name| (self.base.join(name), networks.join(name))) {
                if from.is_file() {
                    std::fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
                }
            }
        }
        let policy = self.text.then_some(("parity.json", "qstar_training", self.train_args.as_slice()));
        let ranker = ("ranker_parity.json", "qstar_training.ranker", self.ranker_args.as_slice());
        for (last, module, args) in policy.into_iter().chain([ranker, (LAST, "qstar_training.value", &[])]) {
            if !networks.join(last).exists() && !self.run(module, args, data, networks, cancel).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn run(
        &self,
        module: &str,
        args: &[String],
        data: &Path,
        networks: &Path,
        cancel: &CancellationToken,
    ) -> Result<bool> {
        let mut command = tokio::process::Command::new(&self.python);
        command.args(["-m", module]).arg(data).arg(networks).arg("--tied").args(args);
        // Training ends with us: its standard input closes then.
        command.env("PYTHONPATH", std::path::absolute(&self.package)?).stdin(std::process::Stdio::piped()).kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}; --python names another interpreter", self.python.display()))?;
        let input = child.stdin.take();
        let ended = tokio::select! {
            ended = child.wait() => ended?,
            () = cancel.cancelled() => return Ok(false),
        };
        drop(input);
        ensure!(ended.success(), "training failed ({ended}); its words stand above, its data is {}", data.display());
        Ok(true)
    }
}

/// Runs the user's own training of a served model; `false`: cancelled.
///
/// # Errors
/// When it cannot be started, or fails.
pub async fn shell(command: &str, data: &Path, round: usize, cancel: &CancellationToken) -> Result<bool> {
    let mut shell = tokio::process::Command::new("sh");
    shell.arg("-c").arg(command).env("QSTAR_DATA", data).env("QSTAR_ROUND", round.to_string()).kill_on_drop(true);
    let mut child = shell.spawn().context("cannot start sh for the training command")?;
    let ended = tokio::select! {
        ended = child.wait() => ended?,
        () = cancel.cancelled() => return Ok(false),
    };
    ensure!(ended.success(), "the training command failed ({ended}); its data is {}", data.display());
    Ok(true)
}

/// What training wrote of losses and calibration: those of the policy where it was trained, and those of ranker and value.
///
/// # Errors
/// When a file is missing or no JSON.
pub fn curves(networks: &Path) -> Result<Value> {
    let read = |name: &str| -> Result<Value> {
        let path = networks.join(name);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
    };
    let mut curves = if networks.join("curves.json").exists() { read("curves.json")? } else { json!({}) };
    for name in ["ranker", "value"] {
        let of = read(&format!("{name}_curves.json"))?;
        curves[name] = of["curve"].clone();
        // What was set apart of the value's goals is too little; those of folds that others were calibrated on are all held out.
        curves[format!("{name}_test")] = of.get("folds").unwrap_or(&of["test"]).clone();
    }
    Ok(curves)
}
