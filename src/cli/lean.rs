//! Flags of every command that needs Lean: which Lean, in which project, and how big its processes may get.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{ToolchainFailed, spinner};
use crate::lean::{Limits, PoolOptions};
use crate::toolchain::processes::free_memory;
use crate::toolchain::{Project, Toolchain, Wish};

/// Workers by memory, before one has been measured: a portable one has 1.5 GB.
const WORKER: u64 = 2 << 30;

/// See the module.
#[derive(Debug, Clone, Default, Args)]
pub struct LeanArgs {
    /// The Lean program to use.
    #[arg(long, global = true, value_name = "PROGRAM")]
    pub lean: Option<PathBuf>,
    /// The Lake project (or a folder of compiled modules) whose imports are used, wherever the input lies; QSTAR_PROJECT says the
    /// same.
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Private memory that a Lean worker may have, such as 6G or 800M; by default as the machine and the imports are.
    #[arg(long, global = true, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,
    /// Let Lean see the whole machine; without this flag it reads its library and the project, and writes to one temporary folder
    /// (a native Lean needs Linux with Landlock for that).
    #[arg(long, global = true)]
    pub no_sandbox: bool,
}

impl LeanArgs {
    /// The project: the flag's, the environment's, else that of a configuration.
    pub fn or_project(mut self, configured: Option<PathBuf>) -> LeanArgs {
        let set = || std::env::var_os("QSTAR_PROJECT").filter(|v| !v.is_empty()).map(PathBuf::from);
        self.project = self.project.or_else(set).or(configured);
        self
    }

    /// What is wished for a file or folder that is worked on.
    ///
    /// # Errors
    /// When the project that was named is none.
    pub fn wish(self, near: Option<PathBuf>) -> Result<Wish> {
        let LeanArgs { lean, project, no_sandbox, .. } = self.or_project(None);
        project.as_deref().map(Project::named).transpose()?;
        Ok(Wish { lean, near, project, no_sandbox })
    }

    /// Finds Lean near a file, or sets it up.
    ///
    /// # Errors
    /// When the project is none (the user's mistake), or no Lean can be had (a [`ToolchainFailed`]).
    pub async fn toolchain(self, near: Option<PathBuf>) -> Result<Toolchain> {
        let wish = self.wish(near)?;
        let bar = spinner();
        let found = tokio::task::spawn_blocking(move || Toolchain::find_or_install(&wish, &bar)).await?;
        Ok(found.map_err(ToolchainFailed)?)
    }

    /// A pool of so many workers.
    pub fn pool(&self, workers: usize) -> PoolOptions {
        let limits = match self.memory {
            Some(memory) => Limits { memory, growth: u64::MAX, ..Limits::default() },
            None => {
                let share = free_memory() / 10 * 9 / workers.max(1) as u64;
                Limits { memory: share.max(Limits::default().memory), ..Limits::default() }
            }
        };
        PoolOptions { workers, limits, ..PoolOptions::default() }
    }

    /// Number of Lean processes where the user names none. A portable worker uses more than one core by itself.
    pub fn default_workers(&self) -> usize {
        let by_memory = usize::try_from(free_memory() / self.memory.unwrap_or(WORKER).max(1)).unwrap_or(1);
        let by_cores = std::thread::available_parallelism().map_or(1, |n| n.get() / 2);
        by_cores.min(by_memory).max(1)
    }
}

/// `6G`, `800M`, `1.5G`; a number alone is megabytes.
fn size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" | "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(format!("`{unit}` is no unit of memory; write 6G or 800M")),
    };
    let number: f64 = number.trim().parse().map_err(|_| "not a size such as 6G or 800M".to_owned())?;
    let bytes = number * f64::from(1u32 << 20) * 2f64.powi(scale - 20);
    if (1e8..1e15).contains(&bytes) { Ok(bytes as u64) } else { Err("must lie between 100M and 900T".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("6G", 6 << 30), ("800M", 800 << 20), ("1.5GiB", 3 << 29), ("2048", 2 << 30), ("1gb", 1 << 30)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "G", "6X", "-1G", "1M", "1e30T", "NaN"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_by_hand_is_the_limit() {
        let mine = LeanArgs { memory: Some(1 << 30), ..LeanArgs::default() };
        assert_eq!((mine.pool(2).limits.memory, mine.pool(2).limits.growth), (1 << 30, u64::MAX));
        assert!(LeanArgs::default().pool(1).limits.memory >= 3 << 30);
    }
}
