//! Answers on the disk, by what was asked and how: the same question costs nothing a second time.
//!
//! One SQLite file, shared by processes. The oldest go when it grows too large. A cache that fails is no cache: the search
//! goes on.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension, params};

use super::answer::Sample;

/// Bytes of answers kept.
const MOST: u64 = 1 << 30;
/// Answers are counted when so many were added.
const OFTEN: u64 = 256;

/// See the module.
pub struct Cache(Mutex<(Connection, u64)>);

impl Cache {
    /// Opens the file or makes it.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(path: &Path) -> Result<Cache> {
        let cannot = || format!("cannot keep answers in {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(cannot)?;
        }
        let connection = Connection::open(path).with_context(cannot)?;
        connection.busy_timeout(Duration::from_secs(5)).with_context(cannot)?;
        let table = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, body TEXT NOT NULL, at INTEGER NOT NULL);";
        connection.execute_batch(table).with_context(cannot)?;
        trim(&connection, MOST).with_context(cannot)?;
        Ok(Cache(Mutex::new((connection, 0))))
    }

    /// The answers kept for a key.
    pub fn get(&self, key: &str) -> Option<Vec<Sample>> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let body: Option<String> = guard
            .0
            .query_row("SELECT body FROM answers WHERE key = ?1", params![key], |row| row.get(0))
            .optional()
            .inspect_err(|error| tracing::debug!("answers cannot be read: {error}"))
            .ok()?;
        serde_json::from_str(&body?).ok()
    }

    /// Keeps answers.
    pub fn put(&self, key: &str, samples: &[Sample]) {
        let Ok(body) = serde_json::to_string(samples) else { return };
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, added) = &mut *guard;
        let insert = "INSERT OR REPLACE INTO answers VALUES (?1, ?2, unixepoch())";
        if let Err(error) = connection.execute(insert, params![key, body]) {
            tracing::debug!("answers cannot be kept: {error}");
        }
        *added += 1;
        if *added % OFTEN == 0 {
            let _ = trim(connection, MOST);
        }
    }
}

/// Drops the oldest answers until no more than `most` bytes are kept.
fn trim(connection: &Connection, most: u64) -> rusqlite::Result<()> {
    let size =
        |c: &Connection| c.query_row("SELECT coalesce(sum(length(body)), 0) FROM answers", [], |row| row.get::<_, u64>(0));
    while size(connection)? > most {
        let oldest = "DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY at, rowid LIMIT
            (SELECT max(1, count(*) / 10) FROM answers))";
        connection.execute(oldest, [])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Sample {
        Sample { text: text.to_owned(), log_prob: Some(-1.5), cut: false }
    }

    #[test]
    fn answers_are_found_again_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/answers.sqlite");
        let cache = Cache::open(&path).unwrap();
        cache.put("a", &[sample("x"), sample("y")]);
        cache.put("b", &[sample("z")]);
        drop(cache);
        let cache = Cache::open(&path).unwrap();
        assert_eq!(cache.get("a").unwrap(), [sample("x"), sample("y")]);
        assert!(cache.get("c").is_none());
        let guard = cache.0.lock().unwrap();
        trim(&guard.0, 60).unwrap();
        drop(guard);
        assert!(cache.get("a").is_none() && cache.get("b").is_some());
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.sqlite");
        std::fs::write(&path, "no database at all, and long enough to be looked at as one: ".repeat(20)).unwrap();
        let error = format!("{:#}", Cache::open(&path).err().unwrap());
        assert!(error.contains("answers.sqlite"), "{error}");
    }
}
