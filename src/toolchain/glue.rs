//! Patches the JavaScript glue of the portable Lean. Every patch must find its place, or the package is not the
//! known one and the set-up stops.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, Result, ensure};
use regex::Regex;

const PRELUDE: &str = include_str!("prelude.js");
const MAIN: &str = include_str!("main.js");
const ASSIGN: &str = "function assignWasmExports(wasmExports){";

/// The identifiers in JavaScript text.
pub fn words(js: &str) -> HashSet<&str> {
    Regex::new(r"(?-u)[A-Za-z_$][0-9A-Za-z_$]*").expect("fixed").find_iter(js).map(|m| m.as_str()).collect()
}

/// Cuts out the 200,000 assignments, one for each export, of which the glue uses a few.
///
/// # Errors
/// When they are not found.
pub fn cut_assignments(js: &str) -> Result<String> {
    let start = js.find(ASSIGN).context("lean.js: the export assignments were not found")?;
    let end = start + js[start..].find('}').context("lean.js: the export assignments do not end")?;
    let declared = js[..start].rfind("var _main,_lean_main").context("lean.js: the export declarations were not found")?;
    let (before, after) = (&js[..declared], &js[end + 1..]);
    let mut used = words(before);
    used.extend(words(after));
    let kept: Vec<&str> = js[start + ASSIGN.len()..end]
        .split(';')
        .filter(|statement| used.contains(statement.split('=').next().unwrap_or("")))
        .collect();
    let names: Vec<&str> = kept.iter().filter_map(|s| s.split('=').next()).chain(["wasmTable"]).collect();
    Ok(format!("{before}var {};{ASSIGN}{}}}{after}", names.join(","), kept.join(";")))
}

/// Applies all patches; `symbols` are the slots of the module's functions in its table, which has `slots` in all.
///
/// # Errors
/// Naming the first place that was not found.
pub fn patch(js: &str, symbols: &BTreeMap<String, i32>, slots: usize) -> Result<String> {
    let slot = |name: &str| symbols.get(name).copied().with_context(|| format!("lean.wasm does not export {name}"));
    let mut js = js.to_owned();
    let (main, thread_done) = (slot("__main_argc_argv")?, slot("mi_thread_done")?);
    let call_main = format!(
        "var result;if(ptr==={main}){{try{{result=getWasmTableEntry(ptr)((growMemViews(),HEAPU32)[arg>>2],HEAPU32[arg+4>>2])}}\
         catch(e){{if(e===\"unwind\")throw e;if(e instanceof ExitStatus)result=e.status;\
         else{{require(\"fs\").writeSync(2,String(e&&e.stack||e)+\"\\n\");result=70}}}}\
         proxyToMainThread(0,0,1,result);return}}\
         result=getWasmTableEntry(ptr)(arg);getWasmTableEntry({thread_done})();"
    );
    let patches: [(&str, &str); 18] = [
        // dlsym: a look-up in the sorted table instead of a scan of all names.
        (
            "var __dlsym_js=(handle,symbol,symbolIndex)=>{symbol=UTF8ToString(symbol);",
            "var __dlsym_js=(handle,symbol,symbolIndex)=>{symbol=UTF8ToString(symbol);var found=qstarLookup(symbol);\
             if(found!==undefined)return found;{dlSetError(\"unknown symbol \"+symbol);return 0}",
        ),
        // Calls that may throw stay in WebAssembly, where no number is seen that is thrown: a mark says that it was C++.
        (
            "function getWasmImports(){assignWasmImports();",
            "function getWasmImports(){assignWasmImports();qstarInvokes(wasmImports);",
        ),
        ("throw exceptionLast};___cxa_rethrow.sig", "qstarThrown=1;throw exceptionLast};___cxa_rethrow.sig"),
        ("throw exceptionLast};___cxa_throw.sig", "qstarThrown=1;throw exceptionLast};___cxa_throw.sig"),
        ("throw exceptionLast};___resumeException.sig", "qstarThrown=1;throw exceptionLast};___resumeException.sig"),
        ("{throw Infinity};__emscripten_throw_longjmp.sig", "{qstarThrown=1;throw Infinity};__emscripten_throw_longjmp.sig"),
        // Two threads are made ahead, and `main` does not wait until all are there: more are made when they are wanted.
        ("var pthreadPoolSize=4;", "var pthreadPoolSize=2;"),
        ("addRunDependency(\"loading-workers\");await pthreadPoolReady;removeRunDependency(\"loading-workers\")", ""),
        // Lean bounds its recursion before 8 MB of a thread's stack are used up, but not before Node's 4 MB are. No more than
        // this: the stack that Lean keeps in its own memory must not be the first to end, since nothing guards that.
        (
            "{workerData:\"em-pthread\",name:\"em-pthread\"}",
            "{workerData:\"em-pthread\",name:\"em-pthread\",resourceLimits:{stackSizeMb:8}}",
        ),
        // The slot of an exported function, too, is looked up: each thread made 140,000 objects to find a few.
        (
            "if(!functionsInTableMap){functionsInTableMap=new WeakMap;updateTableMap(0,wasmTable.length)}",
            "functionsInTableMap??=new WeakMap;",
        ),
        ("newValue=addFunction(value)", "newValue=qstarLookup(symName)??addFunction(value)"),
        ("entry.value=addFunction(value,value.sig)", "entry.value=qstarLookup(symName)??addFunction(value,value.sig)"),
        // `main` as a thread's body; an ended thread's heap goes back to the allocator.
        ("var result=getWasmTableEntry(ptr)(arg);", &call_main),
        ("if(!noInitialRun)callMain(args);", "if(!noInitialRun)qstarMain(args);"),
        (
            "function _proc_exit(code){if(ENVIRONMENT_IS_PTHREAD)return proxyToMainThread(0,0,1,code);",
            "function _proc_exit(code){if(ENVIRONMENT_IS_PTHREAD)return proxyToMainThread(0,0,1,code);Module.qstarExit(code);",
        ),
        // Standard streams: straight to the file descriptors, from any thread.
        (
            "function _fd_read(fd,iov,iovcnt,pnum){",
            "function _fd_read(fd,iov,iovcnt,pnum){if(fd===0)return qstarRead(iov,iovcnt,pnum);",
        ),
        (
            "function _fd_write(fd,iov,iovcnt,pnum){",
            "function _fd_write(fd,iov,iovcnt,pnum){if(fd===1||fd===2)return qstarWrite(fd,iov,iovcnt,pnum);",
        ),
        // No shell.
        (
            "var __emscripten_system=command=>{if(ENVIRONMENT_IS_NODE){",
            "var __emscripten_system=command=>{return-52;if(ENVIRONMENT_IS_NODE){",
        ),
    ];
    for (old, new) in patches {
        ensure!(js.contains(old), "lean.js is not the known one: no place for the patch at `{old}`");
        js = js.replacen(old, new, 1);
    }
    // Where the glue itself catches, the mark goes, too: what is thrown next may be no exception of C++.
    const CAUGHT: &str = "_setThrew(1,0)";
    ensure!(js.contains(CAUGHT), "lean.js is not the known one: no place for the patch at `{CAUGHT}`");
    js = js.replace(CAUGHT, &format!("qstarThrown=0;{CAUGHT}"));
    // Lean's own variables only: what else stands in the environment may be secret.
    let environment = "{var name=UTF8ToString($0),val=name.startsWith(\"LEAN\")?process.env[name]:undefined;if(val){var n=lengthBytesUTF8(val)+1,p=_malloc(n);\
                       stringToUTF8(val,p,n);return p}return 0}";
    // Embedded JavaScript: nothing mounted by threads, the real environment.
    for (key, body) in [("939105:", "{}"), ("941770:", "{}"), ("943522:", environment)] {
        let table = js.find("ASM_CONSTS={").context("lean.js: ASM_CONSTS was not found")?;
        let at = table + js[table..].find(key).with_context(|| format!("lean.js: the script {key} was not found"))?;
        let open = at + js[at..].find('{').with_context(|| format!("lean.js: the script {key} has no body"))?;
        let close = closing_brace(&js, open).with_context(|| format!("lean.js: the script {key} does not end"))?;
        js.replace_range(open..close, body);
    }
    let mut main = MAIN.to_owned();
    for name in ["malloc", "pthread_attr_init", "pthread_attr_setstacksize", "pthread_create", "__main_argc_argv"] {
        main = main.replace(&format!("@{name}@"), &slot(name)?.to_string());
    }
    let prelude = PRELUDE.replace("@slots@", &slots.to_string());
    Ok(format!("{prelude}{}{main}", cut_tracing(&js)))
}

/// Replaces each `console.log("[DEBUG:…")` by `0`: the package traces on standard output, into the LSP stream.
fn cut_tracing(js: &str) -> String {
    const TRACE: &str = "console.log(\"[DEBUG:";
    let mut kept = String::with_capacity(js.len());
    let mut rest = js;
    while let Some(at) = rest.find(TRACE) {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let body = &rest[TRACE.len()..];
        let limit = ["console.log", "\n"].iter().filter_map(|stop| body.find(stop)).min().unwrap_or(body.len());
        let end = [");", ")}"].iter().filter_map(|end| body[..limit].find(end)).min();
        match end {
            Some(end) => {
                kept.push('0');
                rest = &body[end + 1..];
            }
            None => {
                kept.push_str(TRACE);
                rest = body;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// The offset just past the brace that closes the one at `open`, strings skipped.
fn closing_brace(js: &str, open: usize) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    let mut chars = js[open..].char_indices();
    while let Some((i, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(chars.next()),
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => {
                depth -= 1;
                if depth == 0 {
                    return Some(open + i + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracing_is_cut_and_nothing_else() {
        let js = r#"a;console.log("[DEBUG: x] "+f(1));b;if(c){console.log("[DEBUG: y]")}console.log("kept");"#;
        assert_eq!(cut_tracing(js), r#"a;0;b;if(c){0}console.log("kept");"#);
    }

    #[test]
    fn braces_in_strings_do_not_count() {
        assert_eq!(closing_brace("x{a:'}',b:{c:\"\\\"}\"}}y", 1), Some(20));
        assert_eq!(closing_brace("{", 0), None);
    }

    #[test]
    fn unused_assignments_go() {
        let js = "head();var _main,_lean_main,_a,_b;function assignWasmExports(wasmExports){_a=wasmExports[\"a\"];_b=wasmExports[\"b\"]}use(_b);";
        let cut = cut_assignments(js).unwrap();
        assert_eq!(cut, "head();var _b,wasmTable;function assignWasmExports(wasmExports){_b=wasmExports[\"b\"]}use(_b);");
        assert!(cut_assignments("nothing").is_err());
    }

    #[test]
    fn an_unknown_package_is_refused_by_name_of_the_place() {
        let symbols: BTreeMap<String, i32> =
            ["__main_argc_argv", "mi_thread_done"].iter().map(|n| ((*n).to_owned(), 1)).collect();
        let error = patch("var x;", &symbols, 1).unwrap_err().to_string();
        assert!(error.contains("__dlsym_js"), "{error}");
    }
}
