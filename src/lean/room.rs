//! Room for workers: another Lean starts only where memory for it is free, by what its imports really take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::session::{Imported, Limits};
use crate::toolchain::processes::free_memory;

/// What a worker is taken to need before one has been measured.
const UNKNOWN: u64 = 3 << 29;
/// What a worker may grow by while it works.
const HEADROOM: u64 = 1 << 30;
/// How long to wait before memory is looked at again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shared by the workers of a pool.
#[derive(Debug, Default)]
pub struct Room(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    /// What each set of imports took, at most.
    measured: HashMap<String, Imported>,
    /// Workers that have a session, and those of them whose imports are not done.
    alive: usize,
    starting: u64,
}

impl Room {
    /// Waits until one more worker fits. The first always does: without it nothing would be judged.
    pub async fn wait(&self) {
        while !self.fits(free_memory()) {
            tokio::time::sleep(PATIENCE).await;
        }
    }

    fn fits(&self, free: u64) -> bool {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let need = taken.measured.values().map(|took| took.private).max().unwrap_or(UNKNOWN);
        taken.alive == 0 || free >= need.saturating_mul(taken.starting + 1).saturating_add(HEADROOM)
    }

    /// The limits of the next worker, by what its imports took before.
    pub fn limits(&self, base: Limits, imports: &str) -> Limits {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.measured.get(imports).map_or(base, |took| base.behind(took.time))
    }

    /// Takes the place of a worker that begins to import.
    pub fn enter(self: &Arc<Room>, imports: &str) -> Place {
        self.change(|taken| {
            taken.alive += 1;
            taken.starting += 1;
        });
        Place { room: self.clone(), imports: imports.to_owned(), starting: true }
    }

    fn change(&self, change: impl FnOnce(&mut Taken)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A worker's place, free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    imports: String,
    starting: bool,
}

impl Place {
    /// The worker has imported.
    pub fn settle(&mut self, took: Imported) {
        if std::mem::take(&mut self.starting) {
            let imports = std::mem::take(&mut self.imports);
            self.room.change(|taken| {
                taken.starting -= 1;
                let most =
                    |known: Imported| Imported { time: known.time.max(took.time), private: known.private.max(took.private) };
                let known = taken.measured.entry(imports).or_insert(took);
                *known = most(*known);
            });
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.change(|taken| {
            taken.alive -= 1;
            taken.starting -= u64::from(self.starting);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_start_where_they_fit() {
        let room = Arc::new(Room::default());
        assert!(room.fits(0), "the first");
        let mut first = room.enter("import Mathlib\n");
        assert!(room.fits(UNKNOWN * 2 + HEADROOM) && !room.fits(UNKNOWN), "the second, while the first imports");
        first.settle(Imported { time: Duration::from_secs(30), private: 6 << 30 });
        assert!(room.fits(7 << 30) && !room.fits(6 << 30), "an import takes 6 GB");
        let limits = room.limits(Limits::default(), "import Mathlib\n");
        assert_eq!((limits.start.as_secs(), limits.stall.as_secs()), (150, 30), "an import takes 30 s");
        drop(room.enter("import Mathlib\n"));
        assert!(room.fits(7 << 30), "one that was lost while it started");
        assert_eq!(room.limits(Limits::default(), "import Std\n").start, Limits::default().start, "not measured yet");
        drop(first);
        assert!(room.fits(0), "none is left");
    }
}
