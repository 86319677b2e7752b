//! The store of a benchmark: one SQLite file, shared by any number of processes, that survives any of them.
//!
//! A task (theorem × setting × seed) is leased before it is worked on, and its attempt is written with the lease's end
//! in one transaction; so each task is judged once, and a task whose holder died is free again: at once when the holder
//! ran on this machine, else when its lease runs out.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::Attempt;

/// How long a lease lasts without renewal.
pub const LEASE: Duration = Duration::from_secs(60);
/// The store's layout; another number means another program wrote it.
const LAYOUT: i64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY,
    theorem TEXT NOT NULL,
    statement TEXT NOT NULL,
    setting TEXT NOT NULL,
    seed INTEGER NOT NULL,
    UNIQUE (theorem, statement, setting, seed)
);
CREATE TABLE IF NOT EXISTS leases (
    task INTEGER PRIMARY KEY REFERENCES tasks (id),
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    born INTEGER NOT NULL,
    ends INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS attempts (
    task INTEGER PRIMARY KEY REFERENCES tasks (id),
    at INTEGER NOT NULL,
    attempt TEXT NOT NULL
);";

/// What a task is: equal ones are the same task in every run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub theorem: String,
    /// Hash of header and statement.
    pub statement: String,
    /// The setting as JSON.
    pub setting: String,
    pub seed: u64,
}

/// What the store has for a process that asks for work.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Number and place among the tasks given to [`Store::open`].
    Task { id: i64, place: usize },
    /// All that is left is in work elsewhere.
    Wait,
    /// Every task is judged.
    Done,
}

/// Who holds a lease: a process, told apart from a later one with the same number by its birth.
#[derive(Debug, Clone)]
struct Holder {
    host: String,
    pid: u32,
    born: u64,
}

/// See the module. Calls block: for a moment, or while another process writes.
pub struct Store {
    connection: Mutex<Connection>,
    me: Holder,
}

impl Store {
    /// Opens or creates a store and makes sure that it knows the tasks of this run.
    ///
    /// # Errors
    /// When the file cannot be opened or is no store.
    pub fn open(path: &Path, tasks: &[Task]) -> Result<Store> {
        Store::begin(path, tasks).with_context(|| format!("{} cannot be used as a benchmark's store", path.display()))
    }

    fn begin(path: &Path, tasks: &[Task]) -> Result<Store> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(30))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let layout: i64 = begun.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        ensure!(layout == 0 || layout == LAYOUT, "it has layout {layout} of another version of qstar; use a new folder");
        begun.execute_batch(TABLES)?;
        begun.pragma_update(None, "user_version", LAYOUT)?;
        begun.execute_batch("CREATE TEMP TABLE wanted (place INTEGER PRIMARY KEY, task INTEGER NOT NULL)")?;
        for (place, task) in tasks.iter().enumerate() {
            let (theorem, statement, setting) = (&task.theorem, &task.statement, &task.setting);
            let key = params![theorem, statement, setting, task.seed];
            begun.execute("INSERT OR IGNORE INTO tasks (theorem, statement, setting, seed) VALUES (?, ?, ?, ?)", key)?;
            begun.execute(
                "INSERT INTO temp.wanted SELECT ?, id FROM tasks WHERE theorem = ? AND statement = ? AND setting = ? AND seed = ?",
                params![place, theorem, statement, setting, task.seed],
            )?;
        }
        begun.commit()?;
        let pid = std::process::id();
        let host = System::host_name().unwrap_or_default();
        Ok(Store { connection: Mutex::new(connection), me: Holder { host, pid, born: birth(pid).unwrap_or(0) } })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut connection = self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        act(&mut connection).context("the benchmark's store failed")
    }

    /// Leases the first task that nobody judged or holds.
    ///
    /// # Errors
    /// When the file fails.
    pub fn claim(&self) -> Result<Claim> {
        self.with(|connection| {
            let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            free_the_dead(&begun, &self.me.host)?;
            let free = "SELECT task, place FROM temp.wanted WHERE task NOT IN (SELECT task FROM attempts)
                        AND task NOT IN (SELECT task FROM leases) ORDER BY place LIMIT 1";
            let found: Option<(i64, usize)> = begun.query_row(free, [], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
            let claim = match found {
                Some((id, place)) => {
                    let Holder { host, pid, born } = &self.me;
                    let lease = params![id, host, pid, born, now() + seconds(LEASE)];
                    begun.execute("INSERT INTO leases (task, host, pid, born, ends) VALUES (?, ?, ?, ?, ?)", lease)?;
                    Claim::Task { id, place }
                }
                None => {
                    let open = "SELECT COUNT(*) FROM temp.wanted WHERE task NOT IN (SELECT task FROM attempts)";
                    let left: i64 = begun.query_row(open, [], |r| r.get(0))?;
                    if left == 0 { Claim::Done } else { Claim::Wait }
                }
            };
            begun.commit()?;
            Ok(claim)
        })
    }

    /// Makes this process's leases last longer.
    ///
    /// # Errors
    /// When the file fails.
    pub fn renew(&self) -> Result<()> {
        let Holder { host, pid, born } = &self.me;
        let new = params![now() + seconds(LEASE), host, pid, born];
        self.with(|c| Ok(c.execute("UPDATE leases SET ends = ? WHERE host = ? AND pid = ? AND born = ?", new).map(drop)?))
    }

    /// Writes an attempt and ends its lease. `false` when another process had judged the task already.
    ///
    /// # Errors
    /// When the file fails.
    pub fn finish(&self, id: i64, attempt: &Attempt) -> Result<bool> {
        let text = serde_json::to_string(attempt)?;
        self.with(|connection| {
            let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let new = begun
                .execute("INSERT OR IGNORE INTO attempts (task, at, attempt) VALUES (?, ?, ?)", params![id, now(), text])?;
            begun.execute("DELETE FROM leases WHERE task = ?", [id])?;
            begun.commit()?;
            Ok(new == 1)
        })
    }

    /// Gives a task back that was not finished.
    ///
    /// # Errors
    /// When the file fails.
    pub fn release(&self, id: i64) -> Result<()> {
        let Holder { host, pid, born } = &self.me;
        let mine = params![id, host, pid, born];
        self.with(|c| {
            Ok(c.execute("DELETE FROM leases WHERE task = ? AND host = ? AND pid = ? AND born = ?", mine).map(drop)?)
        })
    }

    /// The attempts at this run's tasks, in the order of the tasks.
    ///
    /// # Errors
    /// When the file fails or holds what is no attempt.
    pub fn attempts(&self) -> Result<Vec<Attempt>> {
        self.with(|connection| {
            let mut query =
                connection.prepare("SELECT attempt FROM temp.wanted JOIN attempts USING (task) ORDER BY wanted.place")?;
            let texts = query.query_map([], |row| row.get::<_, String>(0))?;
            texts.map(|text| Ok(serde_json::from_str(&text?)?)).collect()
        })
    }
}

/// Ends leases that ran out, and those of processes of this machine that are gone.
fn free_the_dead(connection: &Connection, host: &str) -> Result<()> {
    connection.execute("DELETE FROM leases WHERE ends < ?", [now()])?;
    let mut query = connection.prepare("SELECT DISTINCT pid, born FROM leases WHERE host = ?")?;
    let holders: Vec<(u32, u64)> = query.query_map([host], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?;
    for (pid, born) in holders.into_iter().filter(|&(pid, born)| birth(pid) != Some(born)) {
        connection.execute("DELETE FROM leases WHERE host = ? AND pid = ? AND born = ?", params![host, pid, born])?;
    }
    Ok(())
}

/// When a process of this machine began, in seconds; `None` when there is none.
fn birth(pid: u32) -> Option<u64> {
    let mut system = System::new();
    let pid = Pid::from_u32(pid);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    system.process(pid).map(sysinfo::Process::start_time)
}

fn now() -> i64 {
    seconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(theorem: &str, seed: u64) -> Task {
        Task { theorem: theorem.into(), statement: "s".into(), setting: "{}".into(), seed }
    }

    fn attempt(theorem: &str) -> Attempt {
        Attempt {
            theorem: theorem.into(),
            setting: "x".into(),
            seed: 0,
            checks: 1,
            goals: 1,
            seconds: 0.5,
            ..Attempt::default()
        }
    }

    #[test]
    fn tasks_are_leased_once_and_judged_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.sqlite");
        let tasks = [task("a", 0), task("b", 0)];
        let (one, two) = (Store::open(&path, &tasks).unwrap(), Store::open(&path, &tasks).unwrap());
        let Claim::Task { id: first, place: 0 } = one.claim().unwrap() else { panic!() };
        let Claim::Task { id: second, place: 1 } = two.claim().unwrap() else { panic!() };
        assert_eq!(one.claim().unwrap(), Claim::Wait);
        assert!(one.finish(first, &attempt("a")).unwrap() && !one.finish(first, &attempt("a")).unwrap());
        two.release(second).unwrap();
        assert_eq!(one.claim().unwrap(), Claim::Task { id: second, place: 1 });
        one.renew().unwrap();
        one.finish(second, &attempt("b")).unwrap();
        assert_eq!(two.claim().unwrap(), Claim::Done);
        let names: Vec<String> = two.attempts().unwrap().into_iter().map(|a| a.theorem).collect();
        assert_eq!(names, ["a", "b"]);
        let more = Store::open(&path, &[task("b", 0), task("b", 1)]).unwrap();
        assert_eq!(more.attempts().unwrap().len(), 1, "another run sees its own tasks only");
    }

    #[test]
    fn leases_of_the_dead_are_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.sqlite");
        let store = Store::open(&path, &[task("a", 0), task("b", 0)]).unwrap();
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        let pid = gone.id();
        gone.wait().unwrap();
        let dead = Store { connection: Mutex::new(Connection::open(&path).unwrap()), me: Holder { pid, ..store.me.clone() } };
        let elsewhere = Holder { host: "elsewhere".into(), ..store.me.clone() };
        let insert = "INSERT INTO leases (task, host, pid, born, ends) VALUES (?, ?, ?, ?, ?)";
        dead.with(|c| Ok(c.execute(insert, params![1, dead.me.host, pid, 0, now() + 50])?)).unwrap();
        store.with(|c| Ok(c.execute(insert, params![2, elsewhere.host, 1, 0, now() + 50])?)).unwrap();
        assert!(matches!(store.claim().unwrap(), Claim::Task { place: 0, .. }), "the dead holder's task");
        assert_eq!(store.claim().unwrap(), Claim::Wait, "the other machine's lease lasts");
        store.with(|c| Ok(c.execute("UPDATE leases SET ends = 5 WHERE host = 'elsewhere'", [])?)).unwrap();
        assert!(matches!(store.claim().unwrap(), Claim::Task { place: 1, .. }));
    }

    #[test]
    fn what_is_no_store_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "this is no database, but long enough to look like something else entirely").unwrap();
        assert!(Store::open(file.path(), &[]).is_err());
    }
}
