// Prints what each way to the data can do on this machine, measured in a real WebKitGTK window. Usage: npm run validate [scale]
import "../setup";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { bridgeReportText } from "../../src/validation";
import { canOpenWindow, windowProgram } from "./desktop_window";
import { WindowProcess } from "./window_process";

const wasmFolder = process.env.TANDEM_WASM ?? new URL("../../../../build-wasm", import.meta.url).pathname;
const hasLocal = existsSync(join(wasmFolder, "tandem.wasm"));
const scale = Number(process.argv.at(-1)) || 1;

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
if (!canOpenWindow) {
  process.stderr.write(`There is no ${windowProgram}, or no xvfb-run: run tools/setup tests and tools/build webview\n`);
  process.exit(1);
}
const ways = ["webview", "websocket", "http", ...(hasLocal ? ["local"] : [])];
const report = await WindowProcess.validate(ways, scale, hasLocal ? wasmFolder : "");
process.stdout.write(`${bridgeReportText(report)}\n`);
if (!hasLocal) process.stdout.write("- local: left out, for the node of a page is not compiled (tools/build wasm)\n");
process.exit(report.holds ? 0 : 1);
