//! Confines the processes of a native Lean, since elaborating foreign text can run code: Landlock (Linux 5.13 and newer) takes
//! from them all files but those named here, TCP, and signals to other processes. (The portable Lean is confined by `main.js`.)
//!
//! A thread that is confined starts the process, which inherits that; qstar itself stays as it is. Depends on
//! `project`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Project;

/// What a process may read, beside what its command names; programs there may be run. Folders that are not there do not matter.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
}

/// Where systems keep programs and libraries, and the few files that every program reads.
const SYSTEM: &[&str] = &[
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/opt",
    "/proc",
    "/sbin",
    "/sys/devices/system/cpu",
    "/usr",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/alternatives",
    "/etc/localtime",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
];
/// The largest file that a process may write, in bytes: compiled modules are far smaller.
const LARGEST_FILE: u64 = 4 << 30;

impl Bounds {
    /// `lean` is the program, `library` what it reads modules from, `project` a Lake project.
    pub fn new(lean: &Path, library: Vec<PathBuf>, project: Option<&Project>) -> Bounds {
        let mut read: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).chain(library).collect();
        // The toolchain's root, as it is named and as it lies there; elan's programs look for it in elan's own folder.
        let named = which(lean);
        let real = named.as_deref().and_then(|p| p.canonicalize().ok());
        let roots = [named, real].into_iter().flatten().filter_map(|program| Some(program.parent()?.parent()?.to_owned()));
        read.extend(roots.filter(|root| root.parent().is_some()));
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".elan"));
        read.extend(std::env::var_os("ELAN_HOME").map(PathBuf::from).or(home));
        let mut write = vec![PathBuf::from("/dev/null")];
        if let Some(project) = project {
            read.push(project.root.clone());
            read.extend(project.packages());
            // Lake keeps its lock and the elaborated lakefile there.
            write.push(project.root.join(".lake/config"));
        }
        Bounds { read, write }
    }

    /// What one command may read and write: these bounds, the folder of the last file that it names, and the folder of what it
    /// compiles (`-o`).
    pub fn of(&self, command: &Command) -> Bounds {
        let mut bounds = self.clone();
        let args: Vec<&OsStr> = command.get_args().collect();
        let folder = |arg: &&OsStr| Path::new(arg).parent().filter(|p| p.is_absolute()).map(Path::to_owned);
        bounds.read.extend(args.last().and_then(folder));
        bounds.write.extend(args.windows(2).filter(|pair| pair[0] == "-o").filter_map(|pair| folder(&pair[1])));
        bounds
    }

    /// Does something that starts a process, which is confined then. Where the kernel has no Landlock it is not: see
    /// [`is_supported`].
    ///
    /// # Errors
    /// What `start` gives, or that the rules could not be made.
    pub fn around<T: Send>(&self, start: impl FnOnce() -> std::io::Result<T> + Send) -> std::io::Result<T> {
        let runtime = tokio::runtime::Handle::try_current().ok();
        let confined = || {
            restrict(&self.read, &self.write).map_err(std::io::Error::other)?;
            let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
            start()
        };
        let done = std::thread::scope(|scope| scope.spawn(confined).join());
        done.unwrap_or_else(|_| Err(std::io::Error::other("the process could not be confined")))
    }
}

/// Where a program lies that is named by a path or looked up on the PATH.
fn which(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return Some(program.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|p| p.is_file())
}

#[cfg(target_os = "linux")]
fn restrict(read: &[PathBuf], write: &[PathBuf]) -> Result<landlock::RulesetStatus, landlock::RulesetError> {
    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope, path_beneath_rules};
    // What an older kernel does not know is left out.
    const KNOWN: ABI = ABI::V6;
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::from_read(KNOWN)))?
        .add_rules(path_beneath_rules(write, AccessFs::from_all(KNOWN)))?;
    Ok(rules.restrict_self()?.ruleset)
}

#[cfg(not(target_os = "linux"))]
fn restrict(_: &[PathBuf], _: &[PathBuf]) -> Result<(), std::io::Error> {
    Ok(())
}

/// Whether this machine can confine a process: tried by a thread that ends.
#[cfg(target_os = "linux")]
pub(super) fn is_supported() -> bool {
    let tried = std::thread::spawn(|| restrict(&["/".into()], &["/".into()]));
    tried.join().is_ok_and(|status| status.is_ok_and(|s| s != landlock::RulesetStatus::NotEnforced))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_supported() -> bool {
    false
}

/// No giant files, no core dumps. Memory is watched over the whole tree of processes (`lean::memory`), time by who waits.
#[cfg(target_os = "linux")]
pub(super) fn limit(pid: Option<u32>) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let Some(pid) = pid.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) else { return };
    for (what, most) in [(Resource::Fsize, LARGEST_FILE), (Resource::Core, 0)] {
        let bound = Rlimit { current: Some(most), maximum: Some(most) };
        // A process that has ended meanwhile needs none.
        let _ = prlimit(Some(pid), what, bound);
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn limit(_: Option<u32>) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// What a shell can do within the bounds of a project: each line of output is something that succeeded.
    #[test]
    fn what_is_not_named_is_out_of_reach() {
        if !is_supported() {
            eprintln!("this kernel has no Landlock: nothing is tested");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["project/.lake/config", "job", "other"] {
            std::fs::create_dir_all(place(name)).unwrap();
        }
        for name in ["project/a", "job/b", "other/secret"] {
            std::fs::write(place(name), name).unwrap();
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = format!(
            "cd {0}; for f in project/a job/b other/secret /etc/hostname; do cat $f 2>/dev/null >/dev/null && echo reads $f; done\n\
             for f in project/new project/.lake/config/new job/new other/new /tmp/qstar-new; do (echo x > $f) 2>/dev/null && echo writes $f; done\n\
             (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo connects\n\
             kill -0 {1} 2>/dev/null && echo signals\ntrue",
            folder.path().display(),
            std::process::id()
        );
        let bounds = Bounds::new(Path::new("/bin/bash"), Vec::new(), Some(&Project { root: place("project"), lake: true }));
        let mut command = Command::new("bash");
        command.args(["-c", &script, "-o"]).arg(place("job/x.olean")).arg(place("job/x.lean"));
        let output = bounds.of(&command).around(|| command.output()).unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, "reads project/a\nreads job/b\nwrites project/.lake/config/new\nwrites job/new\n");
        // And this process is as free as before.
        assert!(std::fs::read(place("other/secret")).is_ok());
    }
}
