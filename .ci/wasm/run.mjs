// Runs a test binary for wasm32-wasip1 in Node.js: `node --no-warnings --single-threaded run.mjs TEST.wasm ARGUMENTS`.
// Cargo's runner in `.ci/targets`.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { WASI } from "node:wasi";

const [path, ...args] = process.argv.slice(2);
// The tests read files of the repository: the folder that Cargo starts a test in is its current folder.
const wasi = new WASI({ version: "preview1", args: [path, ...args], env: process.env, preopens: { "/": "/", ".": "." } });
// What this libc lacks and the standard library refers to, as a libc without threads answers: nothing can be started. `absent`
// names the same for the linker.
const done = () => 0;
const notSupported = () => 58; // ENOTSUP
const unreachable = () => {
  throw new Error("no thread was started");
};
const threads = {
  pthread_attr_destroy: done,
  pthread_attr_init: done,
  pthread_attr_setstacksize: done,
  pthread_create: notSupported,
  pthread_detach: unreachable,
  pthread_join: unreachable,
};
const imports = { wasi_snapshot_preview1: wasi.wasiImport, env: threads };
const { instance } = await WebAssembly.instantiate(await readFile(path), imports);
// At once: left to itself, Node.js 20 can crash when it takes a large memory down beside its own threads.
process.exit(wasi.start(instance));
