//! How long a process has worked: on a busy machine, time passes and Lean gets none of it.

use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Measures the processor time of one process.
pub struct Clock {
    system: System,
    pid: Pid,
}

/// Sums over the threads of a process, since it began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    pub worked: Duration,
    /// Ready to work while others did; `None` where the kernel does not say it.
    pub waited: Option<Duration>,
}

impl Clock {
    pub fn new(pid: u32) -> Clock {
        Clock { system: System::new(), pid: Pid::from_u32(pid) }
    }

    /// What all its threads have spent so far; nothing when the process is gone.
    pub fn spent(&mut self) -> Spent {
        let what = ProcessRefreshKind::nothing().with_cpu();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), true, what);
        let worked = Duration::from_millis(self.system.process(self.pid).map_or(0, sysinfo::Process::accumulated_cpu_time));
        Spent { worked, waited: self.waited() }
    }

    /// The second number of `schedstat` of each thread, in nanoseconds (Linux, Documentation/scheduler/sched-stats.rst).
    fn waited(&self) -> Option<Duration> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?;
        let waited = threads.flatten().map(|thread| {
            // A thread that has ended meanwhile waits no more.
            let text = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            text.split_whitespace().nth(1)?.parse().ok()
        });
        let waited: Vec<u64> = waited.flatten().collect();
        (!waited.is_empty()).then(|| Duration::from_nanos(waited.iter().sum()))
    }
}

impl Spent {
    /// Whether a process was still for so long of the time that passed since `before`: neither at work nor ready for it.
    pub fn slept(self, before: Spent, passed: Duration, long: Duration) -> bool {
        let Some((now, then)) = self.waited.zip(before.waited) else { return false };
        let busy = self.worked.saturating_sub(before.worked) + now.saturating_sub(then);
        passed.saturating_sub(busy) >= long
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    use super::*;

    fn watched(command: &str) -> (Child, Spent, Spent, Duration) {
        let child = Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).spawn().unwrap();
        let mut clock = Clock::new(child.id());
        let (before, start) = (clock.spent(), Instant::now());
        std::thread::sleep(Duration::from_millis(400));
        (child, before, clock.spent(), start.elapsed())
    }

    #[test]
    fn a_process_that_sleeps_is_told_from_one_that_works_or_gets_no_time() {
        for (command, sleeps) in [("read x", true), ("while :; do :; done", false)] {
            let (mut child, before, after, passed) = watched(command);
            child.kill().unwrap();
            child.wait().unwrap();
            // Some kernels do not say what is asked here.
            if after.waited.is_some() {
                assert_eq!(after.slept(before, passed, passed / 2), sleeps, "{command}: {before:?} {after:?} {passed:?}");
            }
        }
    }
}
