//! How long a process has worked: on a busy machine, time passes and Lean gets none of it.

use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Measures the processor time of one process.
pub struct Clock {
    system: System,
    pid: Pid,
}

impl Clock {
    pub fn new(pid: u32) -> Clock {
        Clock { system: System::new(), pid: Pid::from_u32(pid) }
    }

    /// What all its threads have worked so far; nothing when the process is gone.
    pub fn worked(&mut self) -> Duration {
        let what = ProcessRefreshKind::nothing().with_cpu();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), true, what);
        Duration::from_millis(self.system.process(self.pid).map_or(0, sysinfo::Process::accumulated_cpu_time))
    }
}
