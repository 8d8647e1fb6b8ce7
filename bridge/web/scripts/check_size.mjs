// Prints what a page has to load, and fails beyond the goal.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const goalBytes = 25 * 1024;
const bytes = gzipSync(readFileSync("dist/index.js")).length;
process.stdout.write(`dist/index.js: ${bytes} bytes gzipped; the goal is ${goalBytes}\n`);
if (bytes > goalBytes) process.exit(1);
