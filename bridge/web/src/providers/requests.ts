import { TandemError } from "../errors";
import { toRows } from "../live_list";
import { encode, type Message, type Statement } from "../protocol/messages";
import type { Row, SqlParameter, SqlValue } from "../protocol/values";
import type { Request } from "../session";
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

  abstract encode(id: number): Uint8Array<ArrayBuffer>;
  protected abstract answer(message: Message, id: number): boolean;

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
  private columns: readonly string[] = [];
  private rows: R[] = [];

  constructor(
    private readonly sql: string,
    private readonly parameters: readonly SqlParameter[],
    private readonly transaction: number,
    private readonly deadlineMs: number,
    private readonly more: (id: number, pages: number) => void,
  ) {
    super();
  }

  encode(id: number): Uint8Array<ArrayBuffer> {
    this.columns = [];
    this.rows = [];
    const { sql, parameters, transaction, deadlineMs } = this;
    return encode("query", { id, deadlineMs, transaction, sql, parameters, pageRows: 0, pages: pagesAtOnce });
  }

  protected answer(message: Message, id: number): boolean {
    if (message.kind !== "rows") return false;
    if (message.number === 0) this.columns = message.columns;
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

  constructor(
    private readonly order: WriteOrder,
    private readonly deadlineMs: number,
  ) {
    super();
  }

  encode(id: number): Uint8Array<ArrayBuffer> {
    this.wasSent = id !== Number.MAX_SAFE_INTEGER;
    this.askedAs = this.wasSent ? id : 0;
    return encodeOrder(this.order, id, this.deadlineMs);
  }

  protected answer(message: Message, id: number): boolean {
    if (message.kind !== "done") return false;
    this.id = id;
    this.askedAs = 0;
    this.settle({ changes: message.changes, lastRowid: message.lastRowid, isRepeat: message.isRepeat });
    return true;
  }

  override fail(reason: TandemError): void {
    this.askedAs = 0;
    if (!reason.isDecision) this.undecided = reason;
    super.fail(reason);
  }

  /** For the write after it. */
  get place(): number {
    return this.askedAs;
  }

  override lost(isSameNode: boolean): TandemError | null {
    const { order } = this;
    const before = order.kind === "execute" ? order.after?.undecided : null;
    if (before && !before.isOutcomeUnknown) return before;
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
}

function encodeOrder(order: WriteOrder, id: number, deadlineMs: number): Uint8Array<ArrayBuffer> {
  switch (order.kind) {
    case "execute":
      return encode("execute", { id, deadlineMs, ...order, after: order.after?.place ?? 0 });
    case "begin":
      return encode("begin", { id, deadlineMs, ...order });
    case "finish":
      return encode("finish", { id, deadlineMs, ...order });
  }
}

export class AskRequest extends Answered<string> {
  constructor(
    private readonly what: string,
    private readonly argument: string,
    private readonly deadlineMs: number,
  ) {
    super();
  }

  encode(id: number): Uint8Array<ArrayBuffer> {
    return encode("ask", { id, deadlineMs: this.deadlineMs, what: this.what, argument: this.argument });
  }

  protected answer(message: Message): boolean {
    if (message.kind !== "told") return false;
    this.settle(message.json);
    return true;
  }
}
