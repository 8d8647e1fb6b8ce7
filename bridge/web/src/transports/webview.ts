import { asTandemError, TandemError } from "../errors";
import { fromBase64, joinFrames, splitFrames, toBase64 } from "../protocol/frames";
import { type Connection, type ConnectionEvents, EventGate, type Transport } from "./transport";
import { UpstreamQueue } from "./upstream_queue";

/** The host's message handler: the same in WebKitGTK and in WKWebView. */
export interface MessageHandler {
  postMessage(text: string): Promise<unknown>;
}

interface HostedWindow {
  webkit?: { messageHandlers?: { tandem?: MessageHandler } };
  tandemDoorbell?: (last: number) => void;
}

/** The host's handler, if this page runs in a WebView that has one. */
export function findMessageHandler(): MessageHandler | null {
  return (globalThis as HostedWindow).webkit?.messageHandlers?.tandem ?? null;
}

/** Through the WebView: the host rings, the page pulls what is waiting, so that memory stays flat on both sides. */
export class WebViewTransport implements Transport {
  readonly kind = "webview";
  readonly name = "the app around this page";

  constructor(private readonly handler: MessageHandler | null = findMessageHandler()) {}

  connect(_identity: unknown, events: ConnectionEvents): Connection {
    return new WebViewConnection(this.handler, events);
  }
}

class WebViewConnection implements Connection {
  private readonly gate: EventGate;
  private readonly upstream: UpstreamQueue;
  private received = 0;
  private isPulling = false;
  /** A ring that came while pulling may tell of what the pull did not see. */
  private hasRung = false;
  private readonly ring = () => void this.pull();

  constructor(
    private readonly handler: MessageHandler | null,
    events: ConnectionEvents,
  ) {
    this.gate = new EventGate(events);
    this.upstream = new UpstreamQueue(
      async (batch, number) => {
        await this.post(`send ${number} ${toBase64(joinFrames(batch))}`);
      },
      (reason) => this.fail(reason),
    );
    queueMicrotask(() => {
      if (!this.handler)
        return this.fail(new TandemError("network", "this page does not run in a WebView with Tandem's handler"));
      (globalThis as HostedWindow).tandemDoorbell = this.ring;
      this.gate.ready();
    });
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.upstream.push(frame);
  }

  close(): void {
    this.gate.shut();
    this.upstream.close();
    const window = globalThis as HostedWindow;
    if (window.tandemDoorbell === this.ring) delete window.tandemDoorbell;
  }

  private async pull(): Promise<void> {
    this.hasRung = true;
    if (this.isPulling) return;
    this.isPulling = true;
    try {
      while (this.hasRung && !this.gate.isClosed) {
        this.hasRung = false;
        await this.pullAll();
      }
    } catch (reason) {
      this.fail(reason);
    } finally {
      this.isPulling = false;
    }
  }

  private async pullAll(): Promise<void> {
    for (;;) {
      const answer = String((await this.post(`pull ${this.received}`)) ?? "");
      const gap = answer.indexOf(" ");
      const batch = gap < 0 ? "" : answer.slice(gap + 1);
      if (batch === "" || this.gate.isClosed) return;
      this.received = Number(answer.slice(0, gap));
      for (const frame of splitFrames(fromBase64(batch))) this.gate.frame(frame);
    }
  }

  private async post(text: string): Promise<unknown> {
    try {
      return await this.handler?.postMessage(text);
    } catch (reason) {
      throw new TandemError("network", `the app did not take a message: ${asTandemError(reason).message}`);
    }
  }

  private fail(reason: unknown): void {
    this.gate.fail(asTandemError(reason));
    this.close();
  }
}
