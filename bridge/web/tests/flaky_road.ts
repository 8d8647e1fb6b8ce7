import { connect, createServer, type Server, type Socket } from "node:net";

/** Between a page and a node: a network on which WebSockets, or everything, can be made to die. */
export class FlakyRoad {
  allowsWebSockets = true;
  allowsAnything = true;
  /** As a proxy that collects a response until it is whole. */
  holdsStreamsBack = false;
  /** As a middlebox that can't bear large frames: a WebSocket that has brought so much dies. */
  webSocketBytesMax = Number.POSITIVE_INFINITY;
  /** Streams that were asked for. */
  streams = 0;
  webSockets = 0;
  /** Each way. */
  latencyMs = 0;
  private readonly sockets = new Set<Socket>();
  private server: Server | null = null;
  port = 0;

  constructor(private readonly nodePort: number) {}

  get url(): string {
    return `ws://127.0.0.1:${this.port}/`;
  }

  async open(): Promise<this> {
    const server = createServer((from) => this.carry(from));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    this.port = typeof address === "object" && address ? address.port : 0;
    return this;
  }

  /** All that is under way is lost. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  private carry(from: Socket): void {
    this.hold(from);
    from.once("data", (first) => {
      const isWebSocket = /^upgrade: websocket/im.test(first.toString("latin1"));
      if (!this.allowsAnything || (isWebSocket && !this.allowsWebSockets)) {
        from.destroy();
        return;
      }
      if (isWebSocket) this.webSockets++;
      const to = connect(this.nodePort, "127.0.0.1");
      this.hold(to);
      let isStream = false;
      let bytes = 0;
      const up = (part: Buffer) => {
        isStream = /^GET \S+\/events\?/.test(part.toString("latin1"));
        if (isStream) this.streams++;
        return part;
      };
      const down = (part: Buffer) => {
        bytes += part.length;
        if (isWebSocket && bytes > this.webSocketBytesMax) from.destroy();
        if (!isStream) return part;
        return this.holdsStreamsBack ? Buffer.alloc(0) : inChunks(part);
      };
      this.later(() => to.write(up(first)));
      this.carryOn(from, to, up);
      this.carryOn(to, from, down);
    });
  }

  /** `look` gives what shall pass of a part. */
  private carryOn(from: Socket, to: Socket, look: (part: Buffer) => Buffer): void {
    from.on("data", (part) => {
      const passing = look(part);
      if (passing.length > 0) this.later(() => to.write(passing));
    });
    from.on("end", () => this.later(() => to.end()));
    from.on("close", () => to.destroy());
  }

  /** Timers of one length end in the order in which they began. */
  private later(step: () => void): void {
    if (this.latencyMs === 0) step();
    else setTimeout(step, this.latencyMs);
  }

  private hold(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.sockets.delete(socket));
  }
}

/** A part of a stream as proxies pass it on, so that one that was cut is no whole one. */
function inChunks(part: Buffer): Buffer {
  const text = part.toString("latin1");
  const [head = "", rest] = text.startsWith("HTTP/") ? text.split("\r\n\r\n", 2) : ["", text];
  const chunk = rest ? `${rest.length.toString(16)}\r\n${rest}\r\n` : "";
  const named = head.replace(/^connection: close$/im, "Transfer-Encoding: chunked");
  return Buffer.from(named === "" ? chunk : `${named}\r\n\r\n${chunk}`, "latin1");
}
