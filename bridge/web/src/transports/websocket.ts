import { TandemError } from "../errors";
import { type Connection, type ConnectionEvents, EventGate, type Transport } from "./transport";

/** By WebSocket: `ws://host:port/page`, one frame a message. */
export class WebSocketTransport implements Transport {
  readonly kind = "websocket";
  readonly name: string;

  /** `url` is the node's address, with or without `/page`; http and https count as ws and wss. */
  constructor(url: string | URL) {
    const address = new URL(url);
    address.protocol = address.protocol.replace("http", "ws");
    if (address.pathname === "/") address.pathname = "/page";
    this.name = address.href;
  }

  connect(_identity: unknown, events: ConnectionEvents): Connection {
    const gate = new EventGate(events);
    const socket = new WebSocket(this.name, "tandem.page.1");
    socket.binaryType = "arraybuffer";
    socket.onopen = () => gate.ready();
    socket.onmessage = (event: MessageEvent) => {
      if (event.data instanceof ArrayBuffer) gate.frame(new Uint8Array(event.data));
    };
    // What went wrong is told to nobody; `onclose` follows.
    socket.onerror = () => {};
    socket.onclose = (event) =>
      gate.fail(
        new TandemError(
          "network",
          `the WebSocket to ${this.name} ended${event.reason ? `: ${event.reason}` : ""} (${event.code})`,
        ),
      );
    return {
      send: (frame) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(frame);
      },
      close: () => {
        gate.shut();
        socket.close();
      },
    };
  }
}
