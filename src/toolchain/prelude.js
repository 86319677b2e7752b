"use strict-off";
// Put in front of the glue of the portable Lean: the symbol table that all threads share, standard streams that are
// read and written in the calling thread, and a start that compiles nothing twice (see `start.js`).
var Module = {};
(() => {
  const workers = require("worker_threads"), fs = require("fs"), path = require("path"), v8 = require("v8");
  if (!workers.isMainThread) {
    // A thread's console goes through the event loop of the main thread, which may be late.
    console.log = console.error = console.warn = (...words) => { fs.writeSync(2, words.join(" ") + "\n"); };
    return;
  }
  const bytes = fs.readFileSync(path.join(__dirname, "lean.symbols"));
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  workers.setEnvironmentData("lean.symbols", shared);
  workers.setEnvironmentData("invoke.wasm", new WebAssembly.Module(fs.readFileSync(path.join(__dirname, "invoke.wasm"))));
  const optimiseAfter = budget => v8.setFlagsFromString("--wasm-tiering-budget=" + budget);
  const WHERE_CODE_IS_KEPT = 6000000;
  if (process.env.QSTAR_KEEP_CODE) optimiseAfter(WHERE_CODE_IS_KEPT);
  const native = source => {
    try { return new Function("return " + source)(); } catch (e) { return () => undefined; }
  };
  // Machine code kept from an earlier run (`lean.code`); V8 itself refuses what another version of it wrote.
  const kept = path.join(__dirname, "lean.code");
  const load = wasm => {
    try {
      const { buffer, byteOffset, length } = fs.readFileSync(kept);
      const code = length === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + length);
      return native("(code, wasm) => %DeserializeWasmModule(code, wasm)")(code, wasm);
    } catch (e) { return undefined; }
  };
  let module;
  Module.instantiateWasm = (imports, done) => {
    const file = fs.readFileSync(path.join(__dirname, "lean.wasm"));
    const wasm = new Uint8Array(file.buffer, file.byteOffset, file.length);
    module = load(wasm) ?? new WebAssembly.Module(wasm);
    WebAssembly.instantiate(module, imports).then(instance => done(instance, module)).catch(e => {
      fs.writeSync(2, String(e && e.stack || e) + "\n");
      process.exit(70);
    });
  };
  // V8 marks a function whose code was made in haste (3) to be made again as soon as the code is read, which takes a second;
  // a process that needs it can make it when it comes to it (2). The format is V8's own: what does not add up is left alone.
  const unmark = code => {
    const marks = [];
    let at = 25, count = 0;
    while (code[at] === 1) at++;
    for (; code.length - at > 4 * count; count++) {
      if (code[at] === 2 || code[at] === 3) {
        if (code[at] === 3) marks.push(at);
        at++;
      } else if (code[at] === 4) {
        const size = i => code.readInt32LE(at + 1 + 4 * i);
        at += 54 + size(7) + size(8) + size(9) + size(10) + size(11);
      } else return;
    }
    if (code.length - at === 4 * count) for (const mark of marks) code[mark] = 2;
  };
  // With `QSTAR_KEEP_CODE` naming a folder, what V8 made so far of module and glue is written there.
  Module.qstarExit = code => {
    const folder = process.env.QSTAR_KEEP_CODE;
    if (folder) {
      // V8 takes the code only where its flags are those of the writer.
      optimiseAfter(qstarLate);
      const made = native("module => %SerializeWasmModule(module)")(module);
      if (made) {
        const code = Buffer.from(made);
        unmark(code);
        fs.writeFileSync(path.join(folder, "lean.code"), code);
      }
      fs.writeFileSync(path.join(folder, "glue.code"), qstarScript.createCachedData());
    }
    process.exit(code);
  };
})();
// Whether what is thrown now is of C++; who catches it takes the mark away.
var qstarThrown = 0;
// Puts calls that may throw (see `invoke.rs`) and the table that they share with Lean among what Lean's module imports.
function qstarInvokes(env) {
  const module = require("worker_threads").getEnvironmentData("invoke.wasm");
  const __indirect_function_table = new WebAssembly.Table({ initial: @slots@, element: "anyfunc" });
  const caught = () => { const thrown = qstarThrown; qstarThrown = 0; return thrown; };
  const calls = new WebAssembly.Instance(module, { glue: env, env: { __indirect_function_table, caught } });
  env.__indirect_function_table = __indirect_function_table;
  Object.assign(env, calls.exports);
}
var qstarSymbols = null;
function qstarLookup(name) {
  if (!qstarSymbols) qstarSymbols = new Uint32Array(require("worker_threads").getEnvironmentData("lean.symbols"));
  const bytes = Buffer.from(name, "utf8");
  let a = 0x811C9DC5, b = 0x01234567;
  for (let i = 0; i < bytes.length; i++) {
    a = Math.imul(a ^ bytes[i], 16777619) >>> 0;
    b = Math.imul(b ^ bytes[i], 16777619) >>> 0;
  }
  const rows = qstarSymbols;
  let low = 0, high = rows.length / 3;
  while (low < high) {
    const middle = (low + high) >>> 1, x = rows[3 * middle], y = rows[3 * middle + 1];
    if (x < a || (x === a && y < b)) low = middle + 1; else high = middle;
  }
  return low < rows.length / 3 && rows[3 * low] === a && rows[3 * low + 1] === b ? rows[3 * low + 2] | 0 : undefined;
}
function qstarRead(iov, count, got) {
  for (let k = 0; k < count; k++) {
    const heap = (growMemViews(), HEAPU32), to = heap[(iov + 8 * k) >> 2], length = heap[(iov + 8 * k + 4) >> 2];
    if (!length) continue;
    const bytes = Buffer.allocUnsafe(length);
    let n;
    for (;;) {
      try { n = require("fs").readSync(0, bytes, 0, length, null); break; }
      catch (e) {
        if (e.code === "EOF") { n = 0; break; }
        if (e.code !== "EAGAIN") throw e;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      }
    }
    (growMemViews(), HEAPU8).set(bytes.subarray(0, n), to);
    HEAPU32[got >> 2] = n;
    return 0;
  }
  (growMemViews(), HEAPU32)[got >> 2] = 0;
  return 0;
}
function qstarWrite(fd, iov, count, written) {
  const heap = (growMemViews(), HEAPU32);
  let total = 0;
  for (let k = 0; k < count; k++) {
    const from = heap[(iov + 8 * k) >> 2], length = heap[(iov + 8 * k + 4) >> 2];
    if (!length) continue;
    const bytes = Buffer.from(HEAPU8.slice(from, from + length));
    total += length;
    if (bytes.subarray(0, 7).toString() === "[DEBUG:") continue;
    let done = 0;
    while (done < length) {
      try { done += require("fs").writeSync(fd, bytes, done, length - done); }
      catch (e) { if (e.code !== "EAGAIN") throw e; }
    }
  }
  heap[written >> 2] = total;
  return 0;
}
