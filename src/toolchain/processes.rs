//! The processes of one Lean: itself and all that it has started, the memory that is theirs alone, and their end.
//!
//! A server's worker is its child, in a session of its own; what it has mapped (compiled modules, gigabytes of them) is
//! shared with the disk's cache and costs nothing, so only private memory counts. Depends on nothing else of qstar.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// A process and its descendants. Whoever was seen among them stays one, also when its parent has died.
pub struct Tree {
    root: u32,
    system: System,
    /// When each member was born: numbers of processes are used again.
    members: HashMap<u32, u64>,
}

impl Tree {
    /// The tree of a process that leads its group.
    pub fn new(root: u32) -> Tree {
        let mut tree = Tree { root, system: System::new(), members: HashMap::new() };
        tree.look();
        tree
    }

    /// Bytes of memory that are the tree's alone, in memory or swapped out; 0 when it has ended.
    pub fn private(&mut self) -> u64 {
        self.look();
        let members: Vec<u32> = self.members.keys().copied().collect();
        members.into_iter().map(|pid| private(pid).unwrap_or_else(|| self.resident(pid))).sum()
    }

    /// Members that are alive.
    pub fn members(&mut self) -> Vec<u32> {
        self.look();
        self.members.keys().copied().collect()
    }

    /// Ends all of them at once.
    pub fn end(&mut self) {
        self.look();
        let _ = killpg(Pid::from_raw(self.root as i32), Signal::SIGKILL);
        for &pid in self.members.keys() {
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }

    /// Finds new members and forgets dead ones.
    fn look(&mut self) {
        let known: Vec<u32> = self.members.keys().copied().collect();
        for pid in known {
            if self.birth(pid) != self.members.get(&pid).copied() {
                self.members.remove(&pid);
            }
        }
        let mut queue: Vec<u32> = self.members.keys().copied().chain([self.root]).collect();
        let mut seen = HashSet::new();
        while let Some(pid) = queue.pop() {
            if !seen.insert(pid) {
                continue;
            }
            if !self.members.contains_key(&pid)
                && let Some(birth) = self.birth(pid)
            {
                self.members.insert(pid, birth);
            }
            queue.extend(children(pid).unwrap_or_else(|| self.children_by_parent(pid)));
        }
    }

    fn birth(&mut self, pid: u32) -> Option<u64> {
        let pid = sysinfo::Pid::from_u32(pid);
        let nothing = ProcessRefreshKind::nothing().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, nothing);
        let process = self.system.process(pid)?;
        (process.status() != sysinfo::ProcessStatus::Zombie).then(|| process.start_time())
    }

    /// Where the system does not list children: all processes are asked for their parent.
    fn children_by_parent(&mut self, parent: u32) -> Vec<u32> {
        let nothing = ProcessRefreshKind::nothing().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, nothing);
        let parent = sysinfo::Pid::from_u32(parent);
        let mine = self.system.processes().values().filter(|p| p.parent() == Some(parent));
        mine.map(|p| p.pid().as_u32()).collect()
    }

    /// Where the system does not tell private memory from mapped files.
    fn resident(&mut self, pid: u32) -> u64 {
        let pid = sysinfo::Pid::from_u32(pid);
        let memory = ProcessRefreshKind::nothing().with_memory().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, memory);
        self.system.process(pid).map_or(0, sysinfo::Process::memory)
    }
}

/// Children as Linux lists them for each thread; `None` where it does not.
fn children(pid: u32) -> Option<Vec<u32>> {
    static LISTED: LazyLock<bool> = LazyLock::new(|| std::path::Path::new("/proc/thread-self/children").exists());
    let threads = LISTED.then(|| std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten())?;
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    Some(lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect())
}

/// Anonymous memory and what of it was swapped out, as Linux tells it: a few lines of text, where `smaps_rollup` walks the page
/// tables of gigabytes.
fn private(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kilobytes = |field: &str| -> Option<u64> {
        status.lines().find_map(|l| l.strip_prefix(field))?.trim().trim_end_matches("kB").trim().parse().ok()
    };
    Some((kilobytes("RssAnon:")? + kilobytes("VmSwap:").unwrap_or(0)) << 10)
}

/// Memory that is free, in bytes: the machine's, or what is left of the container's.
pub fn free_memory() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let contained = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(contained)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    /// A group of its own, as sessions have; `setsid` puts the inner process into another.
    fn start(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).process_group(0).spawn().unwrap()
    }

    fn within(seconds: u64, mut holds: impl FnMut() -> bool) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(seconds) {
            if holds() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    #[test]
    fn what_a_process_maps_is_not_its_own_and_what_a_child_allocates_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(4 << 30).unwrap();
        let script = "import mmap, sys, time\nf = open(sys.argv[1], 'rb')\nm = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)\n\
                      for i in range(0, 1 << 28, 4096): m[i]\nopen(sys.argv[1] + '.ready', 'w')\ntime.sleep(60)\n";
        let ready = format!("{}.ready", file.path().display());
        let mut mapping = Command::new("python3").args(["-c", script]).arg(file.path()).process_group(0).spawn().unwrap();
        let mut tree = Tree::new(mapping.id());
        assert!(within(30, || std::path::Path::new(&ready).exists()), "256 MB of the file were read");
        let private = tree.private();
        tree.end();
        mapping.wait().unwrap();
        std::fs::remove_file(ready).unwrap();
        assert!(private > 1 << 20 && private < 100 << 20, "{private}");

        let mut growing = start("setsid python3 -c 'import time; x = bytearray(300 << 20); time.sleep(60)' & wait");
        let mut tree = Tree::new(growing.id());
        let found = within(20, || tree.private() > 300 << 20);
        tree.end();
        growing.wait().unwrap();
        assert!(found, "{}", tree.private());
    }

    #[test]
    fn nobody_of_a_tree_is_left() {
        let mut parent = start("setsid sleep 61 & setsid sh -c 'sleep 62' & sleep 63");
        let mut tree = Tree::new(parent.id());
        assert!(within(10, || tree.members().len() >= 4), "{:?}", tree.members());
        // The leader dies on its own; those it started are orphans, and still members.
        kill(Pid::from_raw(parent.id() as i32), Signal::SIGKILL).unwrap();
        parent.wait().unwrap();
        assert!(tree.members().len() >= 3);
        tree.end();
        assert!(within(10, || tree.members().is_empty()), "{:?}", tree.members());
    }
}
