//! What a search leaves behind: its events as JSON lines, in a file that is whole or not there, or growing as they come.
//!
//! The schema is in `docs/records.md`. Depends on `search::event` only.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::files::temporary;
use crate::search::{Event, Sink};

/// The events of one search on their way to a compressed file; dropped before [`Records::keep`], nothing stays.
pub struct Records {
    path: PathBuf,
    state: Mutex<State<GzEncoder<BufWriter<tempfile::NamedTempFile>>>>,
}

struct State<W> {
    out: W,
    error: Option<std::io::Error>,
}

impl<W: Write> State<W> {
    /// Writes a line; the first failure is kept for the end, so that a search is not disturbed.
    fn put(&mut self, event: &Event) {
        if self.error.is_none() {
            let line = serde_json::to_string(event).map_err(std::io::Error::other);
            self.error = line.and_then(|l| self.out.write_all(format!("{l}\n").as_bytes())).err();
        }
    }
}

fn put_into<W: Write>(state: &Mutex<State<W>>, event: &Event) {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).put(event);
}

impl Records {
    /// Begins records that will be `path` (`….jsonl.gz`).
    ///
    /// # Errors
    /// When its folder cannot be written to.
    pub fn begin(path: &Path) -> Result<Records> {
        let out = GzEncoder::new(BufWriter::new(temporary(path)?), Compression::default());
        Ok(Records { path: path.to_owned(), state: Mutex::new(State { out, error: None }) })
    }

    /// Makes the file appear under its name, whole.
    ///
    /// # Errors
    /// When anything could not be written.
    pub fn keep(self) -> Result<()> {
        let cannot = || format!("cannot write {}", self.path.display());
        let state = self.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(error) = state.error {
            return Err(error).with_context(cannot);
        }
        let file = state.out.finish().with_context(cannot)?.into_inner().map_err(|e| e.into_error()).with_context(cannot)?;
        file.as_file().sync_all().with_context(cannot)?;
        file.persist(&self.path).with_context(cannot)?;
        Ok(())
    }
}

impl Sink for Records {
    fn put(&self, event: &Event) {
        put_into(&self.state, event);
    }
}

/// Events written as they happen, each line at once, so that a killed search leaves what it did.
pub struct Trace {
    path: PathBuf,
    state: Mutex<State<File>>,
}

impl Trace {
    /// Begins a trace; a file of that name is replaced.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Trace> {
        let out = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Trace { path: path.to_owned(), state: Mutex::new(State { out, error: None }) })
    }

    /// Says whether everything could be written.
    ///
    /// # Errors
    /// The first failure.
    pub fn finish(self) -> Result<()> {
        let state = self.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.error.map_or(Ok(()), |e| Err(e).with_context(|| format!("cannot write {}", self.path.display())))
    }
}

impl Sink for Trace {
    fn put(&self, event: &Event) {
        put_into(&self.state, event);
    }
}

/// Reads a trace or records, compressed or not. A last line that was cut off is left out.
///
/// # Errors
/// Naming file and line of what is no event.
pub fn read(path: &Path) -> Result<Vec<Event>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let reader: Box<dyn Read> =
        if path.extension().is_some_and(|e| e == "gz") { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = BufReader::new(reader);
    let (mut events, mut line, mut number) = (Vec::new(), String::new(), 0);
    loop {
        line.clear();
        number += 1;
        let read = reader.read_line(&mut line).with_context(|| format!("cannot read {}", path.display()))?;
        if read == 0 {
            return Ok(events);
        }
        match serde_json::from_str(&line) {
            Ok(event) => events.push(event),
            Err(_) if !line.ends_with('\n') => return Ok(events),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("{}:{number}: no event of a search; is it a trace of qstar?", path.display()));
            }
        }
    }
}

/// Every file of records, and in folders of them, in order of its path.
///
/// # Errors
/// When a folder cannot be read, or there is none.
pub fn files(places: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            let entries = std::fs::read_dir(place).with_context(|| format!("cannot read {}", place.display()))?;
            let paths = entries.map(|e| Ok(e?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
            let is_record = |p: &PathBuf| {
                let name = p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                !name.starts_with('.') && (name.ends_with(".jsonl") || name.ends_with(".jsonl.gz"))
            };
            files.extend(paths.into_iter().filter(is_record));
        } else {
            files.push(place.clone());
        }
    }
    files.sort();
    files.dedup();
    ensure!(!files.is_empty(), "no records found; `qstar bench --records` and `qstar prove --trace` make them");
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::StopReason;

    fn event(checks: u64) -> Event {
        Event::End { reason: StopReason::Checks, checks, goals: 1, proof: None }
    }

    #[test]
    fn records_are_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl.gz");
        let dropped = Records::begin(&path).unwrap();
        dropped.put(&event(1));
        drop(dropped);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let kept = Records::begin(&path).unwrap();
        kept.put(&event(1));
        kept.put(&event(2));
        kept.keep().unwrap();
        assert_eq!(read(&path).unwrap(), [event(1), event(2)]);
    }

    #[test]
    fn a_trace_that_was_cut_off_is_read_up_to_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let trace = Trace::create(&path).unwrap();
        trace.put(&event(1));
        trace.put(&event(2));
        trace.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        assert_eq!(read(&path).unwrap(), [event(1)]);
        std::fs::write(&path, "{\"event\":\"nonsense\"}\n").unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("a.jsonl:1"));
    }
}
