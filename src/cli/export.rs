//! `qstar export`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::lean::LeanArgs;
use super::{Exit, say, spinner};
use crate::export::{Format, Options, dialogues, export};
use crate::formats::Format as Words;
use crate::policy::choice::Policies;

#[derive(Args)]
pub struct ExportArgs {
    /// Records (`qstar bench --records`, `qstar worker --records`), traces (`qstar prove --trace`), or folders of them.
    #[arg(required = true)]
    records: Vec<PathBuf>,
    /// The folder for the tables: policy, value and preference, each split in train, validation and test.
    #[arg(long, default_value = "qstar-data", value_name = "FOLDER")]
    out: PathBuf,
    /// Leave out theorems whose statement this dataset has, whatever their name. May be given several times.
    #[arg(long, value_name = "DATA")]
    exclude: Vec<PathBuf>,
    /// Formats of the tables; by default all that this build can write.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Format::HERE.to_vec())]
    format: Vec<Format>,
    /// Write dialogues as well, to train language models on: the steps or proofs that hold, in the words of these formats
    /// (docs/models.md), as lines that TRL and most trainers take.
    #[arg(long, value_delimiter = ',', value_name = "FORMAT")]
    dialogues: Vec<String>,
    /// For the ranker's table: theorems that tactics name are looked up in these modules and all they import. Wants a Lean.
    #[arg(long, value_delimiter = ',', value_name = "MODULE")]
    library: Vec<String>,
    /// Print the counts as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: ExportArgs, lean: LeanArgs) -> Result<Exit> {
    let formats = args.dialogues.iter().map(|name| Words::find(name)).collect::<Result<Vec<_>>>()?;
    let bar = spinner();
    let statements = if args.library.is_empty() {
        Arc::default()
    } else {
        let imports: String = args.library.iter().map(|m| format!("import {m}\n")).collect();
        Policies::new(Arc::new(lean.toolchain(None).await?)).with_all_premises().statements(&imports)?
    };
    let options = Options { records: args.records, exclude: args.exclude, out: args.out, formats: args.format, statements };
    let report = export(&options, |at, all| {
        bar.set_message(format!("reading records, {at} of {all}"));
        bar.tick();
    });
    bar.finish_and_clear();
    let mut report = report?;
    report.examples.extend(dialogues::write(&options.records, &options.exclude, &options.out, &formats)?);
    if args.json {
        say(format_args!("{}", serde_json::to_string(&report)?))?;
        return Ok(Exit::Success);
    }
    say(format_args!("{} searches of {} theorems, {} left out", report.searches, report.theorems, report.excluded))?;
    for file in &report.unreadable {
        say(format_args!("skipped, no search begins in it: {file}"))?;
    }
    say(format_args!("| table | train | validation | test |\n| --- | ---: | ---: | ---: |"))?;
    for (table, splits) in &report.examples {
        let counts: Vec<String> = splits.values().map(usize::to_string).collect();
        say(format_args!("| {table} | {} |", counts.join(" | ")))?;
    }
    say(format_args!("in {}", options.out.display()))?;
    Ok(Exit::Success)
}
