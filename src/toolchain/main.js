
// Put behind the glue of the portable Lean: host folders, and `main` on a thread with a large stack of its own, so
// that the event loop stays free to serve the threads. `@NAME@` stands for the table slot of the function NAME.
//
// The sandbox: Lean sees its library, the folders of LEAN_PATH and the folder of the file that it checks, all read-only, and
// with `-R FOLDER` (where it compiles to) that one folder to write in. Nothing else of the machine is there.
function qstarMount(args) {
  const fs = require("fs"), path = require("path"), EROFS = 69;
  const mount = (folder, writable) => {
    try {
      const real = fs.realpathSync(folder);
      for (const place of new Set([path.resolve(folder), real])) {
        FS.mkdirTree(place);
        FS.mount(NODEFS, { root: real, readOnly: !writable }, place);
      }
    } catch (e) { /* stands already, or is not there: Lean will say so */ }
  };
  if (process.env.QSTAR_NO_SANDBOX) {
    for (const entry of fs.readdirSync("/", { withFileTypes: true }))
      if (entry.isDirectory() && !["proc", "sys", "dev"].includes(entry.name)) mount("/" + entry.name, true);
    FS.chdir(process.cwd());
    return;
  }
  const refuse = (ops, names) => {
    for (const name of names) {
      const real = ops[name];
      ops[name] = function (target, ...rest) {
        if ((target.node ?? target).mount.opts.readOnly) throw new FS.ErrnoError(EROFS);
        return real.call(this, target, ...rest);
      };
    }
  };
  refuse(NODEFS.node_ops, ["setattr", "mknod"]);
  for (const name of ["unlink", "rmdir", "symlink"])
    NODEFS.node_ops[name] = () => { throw new FS.ErrnoError(EROFS); };
  refuse(NODEFS.stream_ops, ["write"]);
  // Each name is written once, by opening it or by renaming to it: code in the checked file cannot put another file in the
  // place of what Lean compiled, before (then Lean itself fails) or after.
  const written = new Set();
  const once = (node, place) => {
    if (node.mount.opts.readOnly || written.has(place)) throw new FS.ErrnoError(EROFS);
    written.add(place);
  };
  const { open } = NODEFS.stream_ops, { rename } = NODEFS.node_ops;
  NODEFS.stream_ops.open = stream => {
    // Write, create, truncate, append.
    if (stream.flags & (3 | 64 | 512 | 1024)) once(stream.node, NODEFS.realPath(stream.node));
    return open(stream);
  };
  NODEFS.node_ops.rename = (node, folder, name) => {
    once(folder, PATH.join2(NODEFS.realPath(folder), name));
    return rename(node, folder, name);
  };
  const out = args.indexOf("-R"), file = args.findLast(arg => arg.endsWith(".lean"));
  if (out >= 0) mount(args[out + 1], true);
  else if (file && !file.startsWith("file:")) mount(path.dirname(path.resolve(file)), false);
  mount(path.join(__dirname, ".."), false);
  for (const folder of (process.env.LEAN_PATH ?? "").split(":")) if (folder) mount(folder, false);
  const here = process.cwd();
  try { FS.mkdirTree(here); } catch (e) { /* a mount */ }
  FS.chdir(here);
  // Folders that are in memory only: a file written there would be lost, and must not look as if it were not.
  const seal = node => {
    if (node.mount.type === NODEFS || !FS.isDir(node.mode) || node.name === "dev" || node.name === "proc") return;
    for (const child of Object.values(node.contents)) if (!child.mounted) seal(child);
    node.mode &= ~0o222;
  };
  seal(FS.root);
  FS.ignorePermissions = false;
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
  noExitRuntime = true;
  qstarMount(args);
  args = [thisProgram, ...args];
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
