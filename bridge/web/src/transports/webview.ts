import { asTandemError, isErrorCode, TandemError } from "../errors";
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

/** Of questions that the host has not answered yet. It keeps two of them open, so that the third is always answered. */
const openMax = 3;

class WebViewConnection implements Connection {
  private readonly gate: EventGate;
  private readonly upstream: UpstreamQueue;
  private received = 0;
  private hasBegun = false;
  private open = 0;
  private onAnswered: (() => void) | null = null;

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
    while (this.open >= openMax)
      await new Promise<void>((resolve) => {
        this.onAnswered = resolve;
      });
    if (this.gate.isClosed) return;
    this.hasBegun = true;
    void this.ask(`turn ${number} ${this.received} ${toBase64(joinFrames(batch))}`);
  }

  /** Each letter leaves a question open, whose answer is what comes next; without letters the page asks just that. */
  private async ask(letter: string): Promise<void> {
    this.open++;
    try {
      const answer = String((await this.post(letter)) ?? "");
      if (!this.gate.isClosed) this.take(answer);
    } catch (reason) {
      this.fail(reason);
    }
    this.open--;
    this.onAnswered?.();
    if (this.open === 0 && !this.gate.isClosed) void this.ask(`wait ${this.received}`);
  }

  private take(answer: string): void {
    const gap = answer.indexOf(" ");
    const batch = gap < 0 ? "" : answer.slice(gap + 1);
    if (batch === "") return;
    this.received = Number(answer.slice(0, gap));
    for (const frame of splitFrames(fromBase64(batch))) this.gate.frame(frame);
  }

  private async post(letter: string): Promise<unknown> {
    try {
      return await this.handler?.postMessage(`${this.session} ${letter}`);
    } catch (reason) {
      throw refusal(asTandemError(reason).message);
    }
  }

  private fail(reason: unknown): void {
    if (this.gate.isClosed) return;
    this.gate.fail(asTandemError(reason));
    this.close();
  }
}

/**
 * The host refuses with `CODE: TEXT`; whatever else goes wrong counts as the network's, as does a letter that was lost on the way
 * (`protocol`): over a new session it comes.
 */
function refusal(text: string): TandemError {
  const code = /^[a-z_]+(?=: )/.exec(text)?.[0];
  const isTold = isErrorCode(code) && code !== "protocol";
  return new TandemError(isTold ? code : "network", `the app did not take a message: ${text}`);
}
