//! Watches the private memory of a server's processes and ends them when it grows over a limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::toolchain::processes::Tree;

/// How often memory is looked at.
const PERIOD: Duration = Duration::from_millis(300);

/// A watch over one server, whatever its session waits for. Its processes end with it, all of them.
pub struct Watch {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    tree: Mutex<Tree>,
    limit: AtomicU64,
    /// What was found over the limit; 0: nothing.
    over: AtomicU64,
}

impl Watch {
    /// Begins to watch a process that leads its group.
    pub fn start(pid: u32, limit: u64) -> Watch {
        let tree = Mutex::new(Tree::new(pid));
        let shared = Arc::new(Shared { tree, limit: limit.into(), over: 0.into() });
        Watch { task: tokio::spawn(watch(shared.clone())), shared }
    }

    /// Private bytes, measured now.
    pub fn private(&self) -> u64 {
        self.shared.tree.lock().map_or(0, |mut tree| tree.private())
    }

    /// From now on another limit holds.
    pub fn allow(&self, limit: u64) {
        self.shared.limit.store(limit, Ordering::Relaxed);
    }

    /// Private bytes at which the processes were ended, if they were, and the limit.
    pub fn over(&self) -> Option<(u64, u64)> {
        let (over, limit) = (self.shared.over.load(Ordering::Relaxed), self.shared.limit.load(Ordering::Relaxed));
        (over > 0).then_some((over, limit))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
        if let Ok(mut tree) = self.shared.tree.lock() {
            tree.end();
        }
    }
}

async fn watch(shared: Arc<Shared>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Ok(mut tree) = shared.tree.lock() else { return };
        let bytes = tree.private();
        if bytes > shared.limit.load(Ordering::Relaxed) {
            shared.over.store(bytes, Ordering::Relaxed);
            tree.end();
            return;
        }
    }
}
