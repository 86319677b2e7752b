// Starts the glue of the portable Lean (`glue.js`) in each of its threads, with V8's compilation of it kept from an earlier run.
"use strict";
const fs = require("fs"), path = require("path"), vm = require("vm"), workers = require("worker_threads");
// What a function of WebAssembly may use up, in V8's measure, before V8 optimises it.
const late = 12000000;
if (workers.isMainThread) {
  // All flags are set here, before anything is compiled: V8 takes kept code only where its flags are those of the writer.
  const flags = [
    // The module is ours and was valid when it was written: validating 116 MB at each start takes a second.
    "--wasm-lazy-validation",
    // A function is optimised later than usual: what is worth it is in the kept code, and compiling takes the time of the one
    // core beside. Nor is what is left to JavaScript worth optimising: a start did it for 5 % of its time.
    "--wasm-tiering-budget=" + late,
    "--no-opt",
    // For the two functions that read and write kept code of WebAssembly.
    "--allow-natives-syntax",
  ];
  for (const flag of flags) require("v8").setFlagsFromString(flag);
}
const file = path.join(__dirname, "glue.js");
const glue = `(function(exports,require,module,__filename,__dirname,qstarScript,qstarLate){${fs.readFileSync(file, "utf8")}\n})`;
let kept;
try { kept = fs.readFileSync(path.join(__dirname, "glue.code")); } catch (e) { /* the first run */ }
// V8 itself refuses what another version of it wrote, and compiles anew.
const script = new vm.Script(glue, { filename: file, cachedData: kept });
script.runInThisContext()(exports, require, module, __filename, __dirname, script, late);
