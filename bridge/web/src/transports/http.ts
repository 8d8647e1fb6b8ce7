import { asTandemError, TandemError } from "../errors";
import { fromBase64, joinFrames, splitFrames } from "../protocol/frames";
import {
  type Connection,
  type ConnectionEvents,
  type ConnectionIdentity,
  EventGate,
  type Transport,
} from "./transport";
import { UpstreamQueue } from "./upstream_queue";

/** A session without a stream of events ends on the node after 30 s; trying for longer is in vain. */
const retryMsMax = 25_000;
const pullWaitMs = 25_000;
/** A stream that stays silent for longer, though the node's heart beats oftener, is held back by something in between. */
const streamSilenceMs = 15_000;
/** The first stream has the node's greeting to bring: of the time to connect it gets this share, so that there is enough left to pull. */
const firstStreamShare = 1 / 3;
/** Networks change: after so long streams are given another chance. */
const heldBackMs = 600_000;
/** Addresses to which streams are held back, and since when: whoever connects there next need not find it out again. */
const heldBack = new Map<string, number>();

export interface HttpOptions {
  /** `events`: server-sent events; `pull`: long polling; `auto` begins with events, falls back, and remembers that. */
  readonly downstream?: "auto" | "events" | "pull";
}

/** By HTTP alone: POST up, server-sent events or long polling down. For places where WebSockets die. */
export class HttpTransport implements Transport {
  readonly kind = "http";
  readonly name: string;

  constructor(
    url: string | URL,
    private readonly options: HttpOptions = {},
  ) {
    const address = new URL(url);
    address.protocol = address.protocol.replace("ws", "http");
    if (address.pathname === "/") address.pathname = "/page";
    this.name = address.href.replace(/\/$/, "");
  }

  connect(identity: ConnectionIdentity, events: ConnectionEvents): Connection {
    return new HttpConnection(this.name, identity, this.options.downstream ?? "auto", events);
  }
}

class HttpConnection implements Connection {
  private readonly gate: EventGate;
  private readonly abort = new AbortController();
  private readonly upstream: UpstreamQueue;
  private readonly url: string;
  private readonly token: string;
  private readonly firstStreamMs: number;
  private received = 0;
  private isReading = false;
  private hasFallenBack = false;
  private hasBegun = false;

  constructor(
    private readonly address: string,
    { session, token, connectMs = streamSilenceMs }: ConnectionIdentity,
    private downstream: "auto" | "events" | "pull",
    events: ConnectionEvents,
  ) {
    this.url = `${address}/${session}`;
    this.token = token;
    this.firstStreamMs = Math.min(streamSilenceMs, connectMs * firstStreamShare);
    if (downstream === "auto" && Date.now() - (heldBack.get(address) ?? 0) < heldBackMs) this.downstream = "pull";
    this.gate = new EventGate(events);
    this.upstream = new UpstreamQueue(
      (batch, number) => this.post(batch, number),
      (reason) => this.fail(reason),
    );
    queueMicrotask(() => this.gate.ready());
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.upstream.push(frame);
  }

  close(): void {
    this.gate.shut();
    this.upstream.close();
    this.abort.abort();
    if (this.hasBegun) this.sayGoodbye();
  }

  /** Else the node would keep the session, and what it has open, until it misses the page. Goes out also while the page is left. */
  private sayGoodbye(): void {
    this.hasBegun = false;
    const request = { method: "DELETE", headers: this.headers(), keepalive: true, credentials: "omit" } as const;
    void fetch(this.url, request).catch(() => {});
  }

  private fail(reason: unknown): void {
    this.gate.fail(asTandemError(reason));
    this.close();
  }

  private async post(batch: readonly Uint8Array[], number: number): Promise<void> {
    this.hasBegun = true;
    await this.persist(async () => {
      const response = await fetch(this.url, {
        method: "POST",
        body: joinFrames(batch),
        headers: { ...this.headers(), "content-type": "application/octet-stream", "tandem-number": String(number) },
        signal: this.abort.signal,
        credentials: "omit",
      });
      if (!response.ok) throw await refusal(response);
    });
    if (!this.isReading) {
      this.isReading = true;
      void this.read();
    }
  }

  /** The node keeps what it sent until it hears that it came, so a stream that breaks goes on where it was. */
  private async read(): Promise<void> {
    try {
      while (!this.gate.isClosed)
        await this.persist((onNews) => (this.downstream === "pull" ? this.pull() : this.stream(onNews)));
    } catch (reason) {
      if (!this.gate.isClosed) this.fail(reason);
    }
  }

  private async stream(onNews: () => void): Promise<void> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), this.received === 0 ? this.firstStreamMs : streamSilenceMs);
    const stop = () => patience.abort();
    this.abort.signal.addEventListener("abort", stop);
    try {
      const response = await fetch(`${this.url}/events?after=${this.received}`, {
        headers: { ...this.headers(), accept: "text/event-stream" },
        signal: patience.signal,
        cache: "no-store",
        credentials: "omit",
      });
      if (!response.ok) throw await refusal(response);
      if (!response.body) throw new TandemError("network", "this browser cannot read a response as it comes");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser((number, data) => this.take(number, fromBase64(data)));
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        onNews();
        parser.feed(value);
      }
    } catch (reason) {
      if (patience.signal.aborted && !this.abort.signal.aborted && this.downstream === "auto") {
        this.downstream = "pull";
        this.hasFallenBack = true;
        return;
      }
      throw reason;
    } finally {
      clearTimeout(timer);
      this.abort.signal.removeEventListener("abort", stop);
    }
  }

  private async pull(): Promise<void> {
    const response = await fetch(`${this.url}/pull?after=${this.received}&wait_ms=${pullWaitMs}`, {
      headers: this.headers(),
      signal: this.abort.signal,
      cache: "no-store",
      credentials: "omit",
    });
    if (!response.ok) throw await refusal(response);
    const body = new Uint8Array(await response.arrayBuffer());
    if (body.length < 8) return;
    // Only now is it known that the way was at fault, and not the node.
    if (this.hasFallenBack) heldBack.set(this.address, Date.now());
    this.take(Number(new DataView(body.buffer).getBigUint64(0)), body.subarray(8));
  }

  private take(number: number, batch: Uint8Array): void {
    if (number <= this.received) return;
    this.received = number;
    for (const frame of splitFrames(batch)) this.gate.frame(frame);
  }

  private headers(): Record<string, string> {
    const headers: Record<string, string> = { "tandem-received": String(this.received) };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    return headers;
  }

  /** Tries again what the network broke, until the node will have given the session up: counted from the last that came. */
  private async persist(step: (onNews: () => void) => Promise<void>): Promise<void> {
    let failingSince: number | null = null;
    let failures = 0;
    const onNews = () => {
      failingSince = null;
      failures = 0;
    };
    for (;;) {
      try {
        return await step(onNews);
      } catch (reason) {
        const isFinal = reason instanceof TandemError && reason.code !== "network";
        if (this.gate.isClosed || isFinal) throw reason;
        failingSince ??= Date.now();
        if (Date.now() - failingSince > retryMsMax || !this.isReading)
          throw new TandemError("network", `${this.url} cannot be reached: ${asTandemError(reason).message}`);
        await new Promise((resolve) => setTimeout(resolve, Math.min(2_000, 50 * 2 ** failures++)));
      }
    }
  }
}

/** What the node says instead of yes. A proxy's own errors count as the network's. */
async function refusal(response: Response): Promise<TandemError> {
  const body: unknown = await response.json().catch(() => null);
  const told = body && typeof body === "object" && "code" in body && "text" in body ? body : null;
  // The node does not know the session any more, or missed a part of it: a new one can be begun.
  if ([404, 409, 410].includes(response.status))
    return new TandemError("closed", told ? String(told.text) : `HTTP ${response.status}`);
  return told
    ? TandemError.fromWire(String(told.code), String(told.text))
    : new TandemError("network", `HTTP ${response.status}`);
}

/** Server-sent events as they come, in pieces cut anywhere. */
export class EventParser {
  private rest = "";
  private number = 0;
  private data: string[] = [];

  constructor(private readonly onEvent: (number: number, data: string) => void) {}

  feed(piece: string): void {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  private line(line: string): void {
    if (line === "") {
      if (this.data.length > 0) this.onEvent(this.number, this.data.join(""));
      this.data = [];
    } else if (line.startsWith("id:")) this.number = Number(line.slice(3));
    else if (line.startsWith("data:")) this.data.push(line.slice(5).trim());
  }
}
