//! Resident memory of a process.

use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Measures one process, at most a few times a second.
pub struct Meter {
    system: System,
    pid: Pid,
    last: Option<(Instant, u64)>,
}

impl Meter {
    pub fn new(pid: u32) -> Meter {
        Meter { system: System::new(), pid: Pid::from_u32(pid), last: None }
    }

    /// Resident bytes; 0 when the process is gone.
    pub fn resident(&mut self) -> u64 {
        if let Some((when, bytes)) = self.last
            && when.elapsed() < Duration::from_millis(300)
        {
            return bytes;
        }
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[self.pid]),
            true,
            ProcessRefreshKind::nothing().with_memory(),
        );
        let bytes = self.system.process(self.pid).map_or(0, sysinfo::Process::memory);
        self.last = Some((Instant::now(), bytes));
        bytes
    }
}
