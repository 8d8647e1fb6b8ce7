import { webcrypto } from "node:crypto";
import { existsSync } from "node:fs";
import { WebSocket as NodeWebSocket } from "ws";
import { executablePath } from "./browser";
import { canOpenWindow, windowProgram } from "./window/desktop_window";

// What every browser has and older versions of Node.js lack.
globalThis.crypto ??= webcrypto as Crypto;
globalThis.WebSocket ??= NodeWebSocket as unknown as typeof WebSocket;

// Whoever runs all tests must not take those for passed that were left out.
if (process.env.TANDEM_REQUIRE_ALL) {
  if (!existsSync(executablePath)) throw new Error(`there is no browser at ${executablePath}: run tools/setup tests`);
  if (!canOpenWindow) throw new Error(`there is no ${windowProgram}, or no xvfb-run: run tools/build webview`);
}
