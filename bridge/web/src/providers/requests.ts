import { TandemError } from "../errors";
import type { Lane } from "../lanes";
import { toRows } from "../live_list";
import { encode, type Message, type Statement } from "../protocol/messages";
import type { Row, SqlParameter, SqlValue } from "../protocol/values";
import { type Request, unsent } from "../session";
import type { QueryResult, WriteResult } from "./provider";

const pagesAtOnce = 8;

/** What one request becomes; `Answered` leaves open which messages answer it. */
export abstract class Answered<T> implements Request {
  readonly result: Promise<T>;
  protected wasSent = false;
  protected settle!: (value: T) => void;
  private reject!: (reason: TandemError) => void;

  constructor() {
    this.result = new Promise<T>((resolve, reject) => {
      this.settle = resolve;
      this.reject = reject;
    });
  }

  abstract readonly lane: Lane | null;
  protected abstract message(id: number): Uint8Array<ArrayBuffer>;
  protected abstract answer(message: Message, id: number): boolean;

  encode(id: number): Uint8Array<ArrayBuffer> {
    const frame = this.message(id);
    if (id !== unsent) this.wasSent = true;
    return frame;
  }

  /** Whether it may have changed something, if no answer is waited for any more. */
  get mayHaveHappened(): boolean {
    return false;
  }

  take(message: Message, id: number): boolean {
    if (message.kind !== "failed") return this.answer(message, id);
    this.fail(TandemError.fromWire(message.code, message.text));
    return true;
  }

  fail(reason: TandemError): void {
    this.reject(reason);
  }

  lost(_isSameNode: boolean): TandemError | null {
    return null;
  }
}

const transactionLost = () =>
  new TandemError(
    "transaction_lost",
    "the connection was lost within a transaction; nothing of it was written, begin anew",
  );

export class QueryRequest<R extends object = Row> extends Answered<QueryResult<R>> {
  readonly lane: Lane;
  private columns: readonly string[] = [];
  private rows: R[] = [];
  private parts = 0;

  constructor(
    private readonly sql: string,
    private readonly parameters: readonly SqlParameter[],
    private readonly transaction: number,
    private readonly deadlineMs: number,
    private readonly more: (id: number, pages: number) => void,
  ) {
    super();
    this.lane = transaction === 0 ? "query" : "transaction";
  }

  protected message(id: number): Uint8Array<ArrayBuffer> {
    this.columns = [];
    this.rows = [];
    this.parts = 0;
    const { sql, parameters, transaction, deadlineMs } = this;
    return encode("query", { id, deadlineMs, transaction, sql, parameters, pageRows: 0, pages: pagesAtOnce });
  }

  protected answer(message: Message, id: number): boolean {
    if (message.kind !== "rows") return false;
    if (message.number !== this.parts)
      throw new TandemError("protocol", `part ${message.number} of a result came instead of part ${this.parts}`);
    if (this.parts++ === 0) this.columns = message.columns;
    const part = toRows<R>(this.columns, message.values as SqlValue[], message.count);
    this.rows = this.rows.length === 0 ? part : appended(this.rows, part);
    if (message.isLast) this.settle({ columns: this.columns, rows: this.rows });
    else this.more(id, 1);
    return message.isLast;
  }

  override lost(): TandemError | null {
    return this.transaction === 0 ? null : transactionLost();
  }
}

function appended<R>(rows: R[], part: readonly R[]): R[] {
  for (const row of part) rows.push(row);
  return rows;
}

export type WriteOrder =
  | {
      kind: "execute";
      transaction: number;
      once: string;
      statements: readonly Statement[];
      after: WriteRequest | null;
    }
  | { kind: "begin"; limitMs: number }
  | { kind: "finish"; transaction: number; isCommit: boolean; once: string };

export class WriteRequest extends Answered<WriteResult> {
  /** Of the connection over which it was asked last; 0: of none, or it is settled. */
  private askedAs = 0;
  /** Why it came to no decision. */
  private undecided: TandemError | null = null;
  /** Of the connection over which it was answered. */
  id = 0;
  readonly lane: Lane;
  private after: WriteRequest | null;

  constructor(
    private readonly order: WriteOrder,
    private readonly deadlineMs: number,
  ) {
    super();
    const isWithin = order.kind === "finish" || (order.kind === "execute" && order.transaction !== 0);
    this.lane = isWithin ? "transaction" : "write";
    this.after = order.kind === "execute" ? order.after : null;
  }

  protected message(id: number): Uint8Array<ArrayBuffer> {
    const reason = this.heldUp();
    if (reason) throw reason;
    const frame = encodeOrder(this.order, id, this.deadlineMs, this.after?.place ?? 0);
    this.askedAs = id === unsent ? 0 : id;
    return frame;
  }

  override get mayHaveHappened(): boolean {
    const { order } = this;
    const isDecisive = order.kind === "finish" ? order.isCommit : order.kind === "execute" && order.transaction === 0;
    return isDecisive && this.wasSent;
  }

  protected answer(message: Message, id: number): boolean {
    if (message.kind !== "done") return false;
    this.id = id;
    this.askedAs = 0;
    this.after = null;
    this.settle({ changes: message.changes, lastRowid: message.lastRowid, isRepeat: message.isRepeat });
    return true;
  }

  override fail(reason: TandemError): void {
    this.askedAs = 0;
    this.after = null;
    if (!reason.isDecision) this.undecided = reason;
    super.fail(reason);
  }

  /** For the write after it. */
  get place(): number {
    return this.askedAs;
  }

  override lost(isSameNode: boolean): TandemError | null {
    const { order } = this;
    const before = this.heldUp();
    if (before) return before;
    if (order.kind === "execute" && order.transaction !== 0) return transactionLost();
    if (order.kind === "finish" && !order.isCommit) return transactionLost();
    if (order.kind === "begin" && this.wasSent) return transactionLost();
    // Another node does not know what the first one did.
    if (!isSameNode && this.wasSent)
      return new TandemError(
        "network",
        "another node answered before this write was confirmed; look whether it was done",
        true,
      );
    return null;
  }

  /** The one before came to no decision, so this one may not be tried: the node knows only of those that it was sent together. */
  private heldUp(): TandemError | null {
    const reason = this.after?.undecided ?? null;
    return reason?.isOutcomeUnknown ? null : reason;
  }
}

function encodeOrder(order: WriteOrder, id: number, deadlineMs: number, after: number): Uint8Array<ArrayBuffer> {
  switch (order.kind) {
    case "execute":
      return encode("execute", { id, deadlineMs, ...order, after });
    case "begin":
      return encode("begin", { id, deadlineMs, ...order });
    case "finish":
      return encode("finish", { id, deadlineMs, ...order });
  }
}

/** Questions that may be asked twice: they change nothing, or say how something shall be from now on. */
const repeatable: ReadonlySet<string> = new Set([
  ...(["ping", "echo", "status", "monitor", "conflicts", "conflict", "audit", "why", "tables"] as const),
  ...(["priorities", "prioritize", "pause", "resume"] as const),
]);

export class AskRequest extends Answered<string> {
  readonly lane = null;

  constructor(
    private readonly what: string,
    private readonly argument: string,
    private readonly deadlineMs: number,
  ) {
    super();
  }

  protected message(id: number): Uint8Array<ArrayBuffer> {
    return encode("ask", { id, deadlineMs: this.deadlineMs, what: this.what, argument: this.argument });
  }

  protected answer(message: Message): boolean {
    if (message.kind !== "told") return false;
    this.settle(message.json);
    return true;
  }

  override get mayHaveHappened(): boolean {
    return this.wasSent && !repeatable.has(this.what);
  }

  /** It has no name by which the node would know it again: undone twice is not undone. */
  override lost(): TandemError | null {
    if (!this.mayHaveHappened) return null;
    return new TandemError(
      "network",
      `the connection was lost before '${this.what}' was confirmed; look whether it was done`,
      true,
    );
  }
}
