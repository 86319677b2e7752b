//! How many requests may run and wait; who comes on top is told when to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets requests in, in the order in which they come.
pub struct Gate {
    running: Arc<Semaphore>,
    places: usize,
    waiting: AtomicUsize,
    queue: usize,
}

/// The right to run; given back when it is dropped.
pub struct Pass {
    _permit: OwnedSemaphorePermit,
}

/// There is no room to wait in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Seconds.
    pub retry_after: u64,
}

impl Gate {
    pub fn new(running: usize, queue: usize) -> Gate {
        let places = running.max(1);
        Gate { running: Arc::new(Semaphore::new(places)), places, waiting: AtomicUsize::new(0), queue }
    }

    /// Waits for a place among those that run.
    ///
    /// # Errors
    /// When as many wait already as may.
    pub async fn enter(&self) -> Result<Pass, Full> {
        if let Ok(permit) = self.running.clone().try_acquire_owned() {
            return Ok(Pass { _permit: permit });
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.waiting);
        if before >= self.queue {
            // The longer the line, the later it is worth while.
            return Err(Full { retry_after: (self.queue as u64 / 64).clamp(1, 30) });
        }
        let permit = self.running.clone().acquire_owned().await.map_err(|_| Full { retry_after: 30 })?;
        drop(place);
        Ok(Pass { _permit: permit })
    }

    /// Requests that run.
    pub fn running(&self) -> usize {
        self.places - self.running.available_permits()
    }

    /// Waits until nothing runs.
    pub async fn empty(&self) {
        let _ = self.running.acquire_many(u32::try_from(self.places).unwrap_or(u32::MAX)).await;
    }

    /// Requests that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// A place in the line, given back whatever happens to who waits.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn one_runs_one_waits_the_next_is_sent_away() {
        let gate = Gate::new(1, 1);
        let first = gate.enter().await.ok().unwrap();
        let gone = tokio::time::timeout(Duration::from_millis(10), gate.enter()).await;
        assert!(gone.is_err() && gate.waiting() == 0, "who leaves leaves no trace");
        let (second, third) = tokio::join!(gate.enter(), async {
            let sent_away = gate.enter().await.err();
            drop(first);
            sent_away
        });
        assert!(second.is_ok());
        assert_eq!(gate.running(), 1);
        assert!(tokio::time::timeout(Duration::from_millis(10), gate.empty()).await.is_err(), "one runs");
        drop(second);
        gate.empty().await;
        assert_eq!(third, Some(Full { retry_after: 1 }));
    }
}
