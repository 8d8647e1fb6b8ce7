import { asTandemError, TandemError } from "../errors";
import { fromBase64, joinFrames, splitFrames, toBase64 } from "../protocol/frames";
import {
  type Connection,
  type ConnectionEvents,
  type ConnectionIdentity,
  EventGate,
  type Transport,
} from "./transport";
import { UpstreamQueue } from "./upstream_queue";

/** The host's message handler: the same in WebKitGTK and in WKWebView. */
export interface MessageHandler {
  postMessage(text: string): Promise<unknown>;
}

interface HostedWindow {
  webkit?: { messageHandlers?: { tandem?: MessageHandler } };
}

/** The host's handler, if this page runs in a WebView that has one. */
export function findMessageHandler(): MessageHandler | null {
  return (globalThis as HostedWindow).webkit?.messageHandlers?.tandem ?? null;
}

/** Through the WebView: the page asks for what comes next, and the host answers when there is something, so that memory stays flat on both sides. */
export class WebViewTransport implements Transport {
  readonly kind = "webview";
  readonly name = "the app around this page";

  constructor(private readonly handler: MessageHandler | null = findMessageHandler()) {}

  connect({ session }: ConnectionIdentity, events: ConnectionEvents): Connection {
    return new WebViewConnection(this.handler, session, events);
  }
}

class WebViewConnection implements Connection {
  private readonly gate: EventGate;
  private readonly upstream: UpstreamQueue;
  private received = 0;
  private hasBegun = false;

  constructor(
    private readonly handler: MessageHandler | null,
    private readonly session: string,
    events: ConnectionEvents,
  ) {
    this.gate = new EventGate(events);
    this.upstream = new UpstreamQueue(
      (batch, number) => this.sendBatch(batch, number),
      (reason) => this.fail(reason),
    );
    queueMicrotask(() => {
      if (!this.handler)
        return this.fail(new TandemError("network", "this page does not run in a WebView with Tandem's handler"));
      this.gate.ready();
    });
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.upstream.push(frame);
  }

  close(): void {
    this.gate.shut();
    this.upstream.close();
    if (this.hasBegun) void this.post("end").catch(() => {});
  }

  private async sendBatch(batch: readonly Uint8Array[], number: number): Promise<void> {
    const taken = this.post(`send ${number} ${toBase64(joinFrames(batch))}`);
    // The first letter begins the session, so that the host knows who waits.
    if (!this.hasBegun) void this.receive();
    this.hasBegun = true;
    await taken;
  }

  private async receive(): Promise<void> {
    try {
      while (!this.gate.isClosed) {
        const answer = String((await this.post(`wait ${this.received}`)) ?? "");
        const gap = answer.indexOf(" ");
        const batch = gap < 0 ? "" : answer.slice(gap + 1);
        if (batch === "" || this.gate.isClosed) continue;
        this.received = Number(answer.slice(0, gap));
        for (const frame of splitFrames(fromBase64(batch))) this.gate.frame(frame);
      }
    } catch (reason) {
      this.fail(reason);
    }
  }

  private async post(letter: string): Promise<unknown> {
    try {
      return await this.handler?.postMessage(`${this.session} ${letter}`);
    } catch (reason) {
      throw new TandemError("network", `the app did not take a message: ${asTandemError(reason).message}`);
    }
  }

  private fail(reason: unknown): void {
    if (this.gate.isClosed) return;
    this.gate.fail(asTandemError(reason));
    this.close();
  }
}
