// Prints what a page has to load, and fails beyond the goal.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const goalBytes = 25 * 1024;
// What both entries share stands in files of its own.
const files = new Set(["index.js"]);
for (const file of files)
  for (const [, name] of readFileSync(`dist/${file}`, "utf8").matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
    files.add(name);
let bytes = 0;
for (const file of files) bytes += gzipSync(readFileSync(`dist/${file}`)).length;
process.stdout.write(
  `${[...files].map((file) => `dist/${file}`).join(" and ")}: ${bytes} bytes gzipped; the goal is ${goalBytes}\n`,
);
if (files.size < 2 || bytes > goalBytes) process.exit(1);
