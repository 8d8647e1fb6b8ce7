import { TandemError } from "../errors";
import { LiveList } from "../live_list";
import { encode, type Message } from "../protocol/messages";
import type { Row, SqlParameter } from "../protocol/values";
import type { Request, Session, Ticket } from "../session";
import type { Changes, LiveQuery, LiveSnapshot, WatchOptions } from "./provider";

/** A hidden page draws no frames; it should still be told now and then. */
const hiddenFrameMs = 250;

/** Calls back with the next frame that the page draws. */
function onNextFrame(callback: () => void): void {
  if (typeof requestAnimationFrame !== "function") {
    setTimeout(callback, 0);
    return;
  }
  let isDone = false;
  const run = () => {
    if (!isDone) callback();
    isDone = true;
  };
  requestAnimationFrame(run);
  setTimeout(run, hiddenFrameMs);
}

/** A live query over a session. The next difference is asked for when the page has drawn this one. */
export class LiveRequest<R extends object = Row> implements Request, LiveQuery<R> {
  snapshot: LiveSnapshot<R> = { columns: [], rows: [], isReady: false, error: null };
  private readonly list = new LiveList<R>();
  private readonly listeners = new Set<() => void>();
  private ticket: Ticket | null = null;

  constructor(
    private readonly session: Session,
    private readonly sql: string,
    private readonly parameters: readonly SqlParameter[],
    private readonly options: WatchOptions,
  ) {
    try {
      this.ticket = session.ask(this);
    } catch (reason) {
      this.fail(reason as TandemError);
    }
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    if (this.ticket) this.session.drop(this.ticket);
    this.ticket = null;
    this.listeners.clear();
  }

  encode(id: number): Uint8Array<ArrayBuffer> {
    const { sql, parameters } = this;
    return encode("watch", {
      id,
      deadlineMs: this.options.deadlineMs ?? 0,
      sql,
      parameters,
      keyColumns: this.options.key ?? [],
    });
  }

  take(message: Message, id: number): boolean {
    if (message.kind === "failed") {
      this.fail(TandemError.fromWire(message.code, message.text));
      return true;
    }
    if (message.kind !== "live") return false;
    try {
      this.list.apply(message);
    } catch {
      this.watchAnew();
      return false;
    }
    onNextFrame(() => {
      if (this.ticket?.id === id) this.session.tell("taken", { id, sequence: message.sequence });
    });
    this.show({ columns: this.list.columns, rows: this.list.rows, isReady: true, error: null });
    return false;
  }

  fail(reason: TandemError): void {
    this.ticket = null;
    this.show({ ...this.snapshot, error: reason });
  }

  lost(): null {
    return null;
  }

  /** The list and the node's idea of it differ: begin from the whole again. */
  private watchAnew(): void {
    if (!this.ticket) return;
    this.session.drop(this.ticket);
    this.ticket = this.session.ask(this);
  }

  private show(snapshot: LiveSnapshot<R>): void {
    this.snapshot = snapshot;
    for (const listener of [...this.listeners]) listener();
  }
}

export class ObserveRequest implements Request {
  private wasSent = false;

  constructor(
    private readonly session: Session,
    private readonly tables: readonly string[],
    private readonly listener: (changes: Changes) => void,
  ) {}

  encode(id: number): Uint8Array<ArrayBuffer> {
    // What changed while nobody listened is not known: say "any" once.
    if (this.wasSent) this.listener({ tables: [], isRemote: true });
    this.wasSent = id !== Number.MAX_SAFE_INTEGER;
    return encode("observe", { id, tables: this.tables });
  }

  take(message: Message, id: number): boolean {
    if (message.kind === "failed") return true;
    if (message.kind !== "changed") return false;
    this.session.tell("taken", { id, sequence: message.sequence });
    this.listener({ tables: message.tables, isRemote: message.isRemote });
    return false;
  }

  fail(): void {}

  lost(): null {
    return null;
  }
}
