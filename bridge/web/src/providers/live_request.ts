import type { TandemError } from "../errors";
import { LiveList } from "../live_list";
import { notify } from "../notify";
import { encode, type Message } from "../protocol/messages";
import type { Row, SqlParameter } from "../protocol/values";
import { type Session, unsent } from "../session";
import type { Changes, LiveQuery, LiveSnapshot, WatchOptions } from "./provider";
import { StandingRequest } from "./standing_request";

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
export class LiveRequest<R extends object = Row> extends StandingRequest implements LiveQuery<R> {
  snapshot: LiveSnapshot<R> = { columns: [], rows: [], isReady: false, error: null };
  private readonly list: LiveList<R>;
  private readonly listeners = new Set<() => void>();

  constructor(
    session: Session,
    private readonly sql: string,
    private readonly parameters: readonly SqlParameter[],
    private readonly options: WatchOptions,
  ) {
    super(session);
    this.list = new LiveList<R>(options.key);
    this.begin();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.end();
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

  protected hear(message: Message, id: number): void {
    if (message.kind !== "live") return;
    try {
      this.list.apply(message);
    } catch {
      // The list and the node's idea of it differ: begin from the whole again.
      this.beginAnew();
      return;
    }
    const taken = () => {
      if (this.isAskedAs(id)) this.session.tell("taken", { id, sequence: message.sequence });
    };
    if (message.moreFollows) {
      taken(); // A part is not shown: nobody sees half a transaction.
      return;
    }
    onNextFrame(taken);
    this.show({ columns: this.list.columns, rows: this.list.rows, isReady: true, error: null });
  }

  protected told(reason: TandemError): void {
    this.show({ ...this.snapshot, error: reason });
  }

  private show(snapshot: LiveSnapshot<R>): void {
    this.snapshot = snapshot;
    notify(this.listeners);
  }
}

export class ObserveRequest extends StandingRequest {
  private wasSent = false;

  constructor(
    session: Session,
    private readonly tables: readonly string[],
    private readonly listener: (changes: Changes) => void,
    private readonly onFailure: (reason: TandemError) => void,
  ) {
    super(session);
    this.begin();
  }

  close(): void {
    this.end();
  }

  encode(id: number): Uint8Array<ArrayBuffer> {
    const frame = encode("observe", { id, tables: this.tables });
    if (id === unsent) return frame;
    // What changed while nobody listened is not known: say "any" once.
    if (this.wasSent) queueMicrotask(() => this.isAskedAs(id) && this.tell({ tables: [], isRemote: true }));
    this.wasSent = true;
    return frame;
  }

  protected hear(message: Message, id: number): void {
    if (message.kind !== "changed") return;
    this.session.tell("taken", { id, sequence: message.sequence });
    this.tell({ tables: message.tables, isRemote: message.isRemote });
  }

  protected told(reason: TandemError): void {
    // Who asked for it has not come to hold the way to end it yet.
    queueMicrotask(() => notify([this.onFailure], reason));
  }

  private tell(changes: Changes): void {
    notify([this.listener], changes);
  }
}
