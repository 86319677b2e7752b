
// Put behind the glue of the portable Lean: host folders, and `main` on a thread with a large stack of its own, so
// that the event loop stays free to serve the threads. `@NAME@` stands for the table slot of the function NAME.
function qstarMount() {
  const fs = require("fs");
  for (const entry of fs.readdirSync("/", { withFileTypes: true })) {
    if (!entry.isDirectory() || ["proc", "sys", "dev"].includes(entry.name)) continue;
    const path = "/" + entry.name;
    try { FS.mkdir(path); } catch (e) { /* stands already */ }
    try { FS.mount(NODEFS, { root: path }, path); } catch (e) { /* not readable: Lean will say so */ }
  }
  FS.chdir(process.cwd());
}
// Started ahead: all is ready but the arguments. They come as the first line of standard input, a JSON list; what is
// behind that line is Lean's. An end without a line means that nobody wants this process any more.
function qstarAwait(then) {
  const fs = require("fs"), line = [];
  const next = () => fs.read(0, Buffer.alloc(1), 0, 1, null, (error, count, byte) => {
    if (error || !count) process.exit(0);
    if (byte[0] !== 10) { line.push(byte[0]); return next(); }
    const asked = JSON.parse(Buffer.from(line).toString());
    process.chdir(asked.folder);
    then(asked.args);
  });
  next();
}
function qstarMain(args) {
  if (args[0] === "--qstar-await") return qstarAwait(qstarMain);
  args = [thisProgram, ...args];
  noExitRuntime = true;
  qstarMount();
  setInterval(() => {}, 1 << 30);
  const malloc = getWasmTableEntry(@malloc@);
  const put = s => { const n = lengthBytesUTF8(s) + 1, p = malloc(n); stringToUTF8(s, p, n); return p; };
  const strings = args.map(put), argv = malloc(4 * (strings.length + 1));
  strings.forEach((p, i) => { (growMemViews(), HEAPU32)[(argv >> 2) + i] = p; });
  HEAPU32[(argv >> 2) + strings.length] = 0;
  const pair = malloc(8);
  HEAPU32[pair >> 2] = strings.length;
  HEAPU32[(pair + 4) >> 2] = argv;
  const attributes = malloc(128), thread = malloc(8);
  getWasmTableEntry(@pthread_attr_init@)(attributes);
  getWasmTableEntry(@pthread_attr_setstacksize@)(attributes, 64 << 20);
  const error = getWasmTableEntry(@pthread_create@)(thread, attributes, @__main_argc_argv@, pair);
  if (error) throw new Error("pthread_create: " + error);
}
