import { Backoff, type BackoffOptions } from "./backoff";
import { asTandemError, TandemError } from "./errors";
import { randomId } from "./ids";
import { type Lane, Lanes } from "./lanes";
import { notify } from "./notify";
import { decode, encode, type Fields, type Message, type MessageKind, type MessageOf } from "./protocol/messages";
import type { Connection, Transport, TransportKind } from "./transports/transport";

export type Opened = MessageOf<"opened">;

export type SessionPhase = "connecting" | "open" | "waiting" | "closed";
export interface SessionState {
  /** `waiting`: the connection broke, the next try comes by itself. */
  readonly phase: SessionPhase;
  readonly transport: TransportKind;
  /** Why the last connection ended, if it did. */
  readonly reason: TandemError | null;
  readonly node: Opened | null;
  /** Tries in a row that failed, or came to an end in their first seconds. */
  readonly failures: number;
}

export interface SessionOptions {
  readonly token?: string;
  /** Of the page, for people who look at the node. */
  readonly name?: string;
  readonly backoff?: BackoffOptions;
  /** After this silence the session asks whether the node is still there; 0: never. */
  readonly silenceMs?: number;
  /** Until a new connection has to be open. */
  readonly connectMs?: number;
  /** A connection that has lasted for so long is a good one. */
  readonly steadyMs?: number;
}

/** What waits for answers. The session sends it again over each new connection, until it is settled. */
export interface Request {
  /** Those of one lane leave in order, a few at a time; null: at once. */
  readonly lane: Lane | null;
  /** Its message with the id of this connection; `unsent`: only to see whether it can be. @throws TandemError if it can't be sent at all. */
  encode(id: number): Uint8Array<ArrayBuffer>;
  /** True when it is settled by this message. */
  take(message: Message, id: number): boolean;
  fail(reason: TandemError): void;
  /** Whether it may be asked over a connection that is yet to come: null, or why not. */
  lost(isSameNode: boolean): TandemError | null;
}

export interface Ticket {
  /** Of the present connection; 0: not sent at the moment. */
  id: number;
  readonly request: Request;
}

/** An id that no message ever has. */
export const unsent = Number.MAX_SAFE_INTEGER;

const defaultSilenceMs = 20_000;
const defaultConnectMs = 8_000;
/** What kills connections, a large frame say, mostly does so before; and who asks a node that comes and goes need not hurry. */
const defaultSteadyMs = 5_000;
/** Looks at a silent connection, two for each `silenceMs`: after so many of them the node is asked, and has as many to answer. */
const silentLooksMax = 2;
const passing: ReadonlySet<string> = new Set(["network", "closed", "busy", "defect", "storage", "limit"]);

/** One page's conversation with a node, over as many connections as it takes. */
export class Session {
  private connection: Connection | null = null;
  private readonly tickets = new Set<Ticket>();
  private readonly byId = new Map<number, Ticket>();
  private nextId = 1;
  private readonly backoff: Backoff;
  private readonly lanes = new Lanes<Ticket>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private steadying: ReturnType<typeof setTimeout> | undefined;
  /** Looks in a row at which nothing had been heard since the one before. */
  private silentLooks = 0;
  private site: string | null = null;
  private readonly listeners = new Set<(state: SessionState) => void>();
  private current: SessionState;
  private readonly wake = () => this.retryNow();

  constructor(
    private transport: Transport,
    private readonly options: SessionOptions = {},
  ) {
    this.backoff = new Backoff(options.backoff);
    this.current = { phase: "connecting", transport: transport.kind, reason: null, node: null, failures: 0 };
    globalThis.addEventListener?.("online", this.wake);
    this.connect();
  }

  get state(): SessionState {
    return this.current;
  }

  /** Calls back at each change of the state, not at once. */
  onState(listener: (state: SessionState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** @throws TandemError `closed`, or what the request's own encoding throws. */
  ask(request: Request): Ticket {
    if (this.current.phase === "closed")
      throw this.current.reason ?? new TandemError("closed", "this provider is closed");
    const ticket: Ticket = { id: 0, request };
    this.tickets.add(ticket);
    try {
      // What can never be sent should fail where it was asked, also while it has to wait.
      if (this.isOpen && (!request.lane || this.lanes.isFree(request.lane))) this.submit(ticket);
      else {
        const reason = this.isOpen ? null : request.lost(true);
        if (reason) throw reason;
        request.encode(unsent);
        if (this.isOpen && request.lane) this.lanes.wait(request.lane, ticket);
      }
    } catch (reason) {
      this.forget(ticket);
      throw reason;
    }
    return ticket;
  }

  /** Says something that has no answer, if the node is there. */
  tell<K extends MessageKind>(kind: K, message: Fields<K>): void {
    if (this.isOpen) this.connection?.send(encode(kind, message));
  }

  /** Forgets a request; the node is told if it knows of it. */
  drop(ticket: Ticket): void {
    if (!this.tickets.has(ticket)) return;
    if (ticket.id !== 0) this.tell("cancel", { id: ticket.id });
    this.forget(ticket);
  }

  isWaiting(ticket: Ticket): boolean {
    return this.tickets.has(ticket);
  }

  /** Goes on over another way to the same node: what is not answered yet is asked again there. */
  switchTo(transport: Transport): void {
    if (this.current.phase === "closed") return;
    this.transport = transport;
    this.backoff.reset();
    this.disconnect();
    this.failLost(true);
    this.current = { ...this.current, failures: 0 };
    this.connect();
  }

  /** Doesn't wait for the next try. */
  retryNow(): void {
    if (this.current.phase === "waiting") this.connect();
  }

  close(reason = new TandemError("closed", "this provider was closed")): void {
    if (this.current.phase === "closed") return;
    globalThis.removeEventListener?.("online", this.wake);
    this.disconnect();
    this.change({ phase: "closed", reason });
    for (const ticket of [...this.tickets]) {
      this.forget(ticket);
      ticket.request.fail(reason);
    }
  }

  private get isOpen(): boolean {
    return this.current.phase === "open" && this.connection !== null;
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.current = { ...this.current, phase: "connecting", transport: this.transport.kind };
    const session = randomId();
    const { token = "", name = "", connectMs = defaultConnectMs } = this.options;
    let connection: Connection | null = null;
    const isCurrent = () => connection !== null && this.connection === connection;
    this.timer = setTimeout(
      () => this.broken(new TandemError("network", `${this.transport.name} did not answer in time`)),
      connectMs,
    );
    try {
      connection = this.transport.connect(
        { session, token, connectMs },
        {
          onReady: () =>
            isCurrent() && connection?.send(encode("open", { protocolMin: 1, protocolMax: 1, session, token, name })),
          onFrame: (frame) => isCurrent() && this.hear(frame),
          onClosed: (reason) => isCurrent() && this.broken(reason),
        },
      );
      this.connection = connection;
    } catch (reason) {
      this.broken(asTandemError(reason));
      return;
    }
    this.change({});
  }

  private disconnect(): void {
    clearTimeout(this.timer);
    clearTimeout(this.steadying);
    const connection = this.connection;
    this.connection = null;
    connection?.close();
    this.byId.clear();
    this.lanes.clear();
    for (const ticket of this.tickets) ticket.id = 0;
  }

  /** The connection is over: transactions are lost with it, all else waits for the next one. */
  private broken(reason: TandemError): void {
    this.disconnect();
    if (this.current.phase === "closed") return;
    if (!passing.has(reason.code)) {
      this.close(reason);
      return;
    }
    this.failLost(true);
    this.timer = setTimeout(() => this.connect(), this.backoff.next());
    this.change({ phase: "waiting", reason, failures: this.current.failures + 1 });
  }

  private failLost(isSameNode: boolean): void {
    for (const ticket of [...this.tickets]) {
      const reason = ticket.request.lost(isSameNode);
      if (!reason) continue;
      this.forget(ticket);
      ticket.request.fail(reason);
    }
  }

  private hear(frame: Uint8Array): void {
    this.silentLooks = 0;
    let message: Message | null;
    try {
      message = decode(frame);
    } catch (reason) {
      this.broken(new TandemError("network", asTandemError(reason).message));
      return;
    }
    if (message === null || message.kind === "beat") return;
    if (message.kind === "opened") {
      this.opened(message);
      return;
    }
    if (!("id" in message)) return;
    if (message.kind === "failed" && message.id === 0) {
      this.broken(TandemError.fromWire(message.code, message.text));
      return;
    }
    const ticket = this.byId.get(message.id);
    if (!ticket) return;
    try {
      if (ticket.request.take(message, ticket.id)) this.forget(ticket);
    } catch (reason) {
      this.drop(ticket);
      ticket.request.fail(asTandemError(reason));
    }
  }

  private opened(node: Opened): void {
    clearTimeout(this.timer);
    const isSameNode = this.site === null || this.site === node.site;
    this.site = node.site;
    this.failLost(isSameNode);
    this.current = { ...this.current, phase: "open", node, reason: null };
    for (const ticket of [...this.tickets]) this.sendWhenFree(ticket);
    this.steadying = setTimeout(() => this.steady(), this.options.steadyMs ?? defaultSteadyMs);
    this.watchSilence();
    this.change({});
  }

  /** Until then the next tries come later and later: what broke the connection may have been what was asked over it. */
  private steady(): void {
    this.backoff.reset();
    if (this.current.failures > 0) this.change({ failures: 0 });
  }

  private sendWhenFree(ticket: Ticket): void {
    const { lane } = ticket.request;
    if (lane) {
      this.lanes.wait(lane, ticket);
      this.sendNext(lane);
    } else this.submitOrFail(ticket);
  }

  private sendNext(lane: Lane): void {
    for (let ticket = this.lanes.next(lane); ticket; ticket = this.lanes.next(lane)) this.submitOrFail(ticket);
  }

  private submitOrFail(ticket: Ticket): void {
    try {
      this.submit(ticket);
    } catch (reason) {
      this.forget(ticket);
      ticket.request.fail(asTandemError(reason));
    }
  }

  private submit(ticket: Ticket): void {
    const id = this.nextId++;
    const frame = ticket.request.encode(id);
    ticket.id = id;
    this.byId.set(id, ticket);
    if (ticket.request.lane) this.lanes.note(ticket.request.lane, ticket);
    this.connection?.send(frame);
  }

  private forget(ticket: Ticket): void {
    this.tickets.delete(ticket);
    this.byId.delete(ticket.id);
    ticket.id = 0;
    const { lane } = ticket.request;
    if (!lane) return;
    this.lanes.forget(lane, ticket);
    this.sendNext(lane);
  }

  /**
   * A browser does not tell when the other side has silently gone: ask, and if no answer comes, connect anew. Looks are counted, not
   * milliseconds: in a hidden or sleeping page they come late, and what has come meanwhile is heard only between them.
   */
  private watchSilence(): void {
    const silenceMs = this.options.silenceMs ?? defaultSilenceMs;
    if (silenceMs === 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.silentLooks++;
      if (this.silentLooks === 2 * silentLooksMax) {
        this.broken(new TandemError("network", "the node has fallen silent"));
        return;
      }
      if (this.silentLooks === silentLooksMax)
        this.tell("ask", { id: this.nextId++, deadlineMs: 0, what: "ping", argument: "" });
      this.watchSilence();
    }, silenceMs / 2);
  }

  /** Comes last in whatever changes it, for who hears of it may ask, switch or close at once. */
  private change(next: Partial<SessionState>): void {
    this.current = { ...this.current, ...next };
    notify(this.listeners, this.current);
  }
}
