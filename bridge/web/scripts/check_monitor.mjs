// Prints what the dashboard weighs, and fails beyond the goal.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const goalBytes = 120 * 1024;
const folder = new URL("../../../monitor/dashboard/dist/", import.meta.url);
const sizes = ["index.html", "app.js", "app.css"].map((name) => gzipSync(readFileSync(new URL(name, folder))).length);
const bytes = sizes.reduce((sum, each) => sum + each, 0);
process.stdout.write(`monitor/dashboard/dist: ${bytes} bytes gzipped; the goal is ${goalBytes}\n`);
if (bytes > goalBytes) process.exit(1);
