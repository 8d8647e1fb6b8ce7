// A WebSocket server that sends back what it gets, and says where it listens: what pages' WebSockets are measured against.
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(new URL("../../bridge/web/", import.meta.url))("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () =>
  console.log(`ready ws://127.0.0.1:${server.address().port}/`),
);
server.on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
