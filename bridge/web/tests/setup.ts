import { webcrypto } from "node:crypto";
import { WebSocket as NodeWebSocket } from "ws";

// What every browser has and older versions of Node.js lack.
globalThis.crypto ??= webcrypto as Crypto;
globalThis.WebSocket ??= NodeWebSocket as unknown as typeof WebSocket;
