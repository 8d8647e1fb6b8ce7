import { connect, createServer, type Server, type Socket } from "node:net";

/** Between a page and a node: a network on which WebSockets, or everything, can be made to die. */
export class FlakyRoad {
  allowsWebSockets = true;
  allowsAnything = true;
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
      const to = connect(this.nodePort, "127.0.0.1");
      this.hold(to);
      this.later(() => to.write(first));
      this.carryOn(from, to);
      this.carryOn(to, from);
    });
  }

  private carryOn(from: Socket, to: Socket): void {
    from.on("data", (part) => this.later(() => to.write(part)));
    from.on("end", () => this.later(() => to.end()));
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
