import { asTandemError, TandemError } from "../errors";
import { randomId } from "../ids";
import type { Statement } from "../protocol/messages";
import type { Row, SqlParameter } from "../protocol/values";
import { Session, type SessionOptions, type SessionState, type Ticket } from "../session";
import { HttpTransport } from "../transports/http";
import type { Transport } from "../transports/transport";
import { WebSocketTransport } from "../transports/websocket";
import { WebViewTransport } from "../transports/webview";
import type { Json } from "./json";
import { LiveRequest, ObserveRequest } from "./live_request";
import { Patience, tooLate, whyAborted } from "./patience";
import type * as face from "./provider";
import { type Answered, AskRequest, QueryRequest, WriteRequest } from "./requests";

const transactionTries = 3;
/** What the node lets a statement take at most. */
const nodeDeadlineMsMax = 60_000;

/** A node's database, over any transport. */
export class NodeProvider implements face.Provider {
  protected readonly session: Session;
  /** Writes by their names. */
  private readonly unanswered = new Map<string, WriteRequest>();

  constructor(transport: Transport, options: SessionOptions = {}) {
    this.session = new Session(transport, options);
  }

  get state(): SessionState {
    return this.session.state;
  }

  onState(listener: (state: SessionState) => void): () => void {
    return this.session.onState(listener);
  }

  query<R extends object = Row>(
    sql: string,
    parameters: readonly SqlParameter[] = [],
    options: face.RequestOptions = {},
  ) {
    return this.queryWithin<R>(0, sql, parameters, options);
  }

  execute(
    what: string | readonly Statement[],
    parameters: readonly SqlParameter[] = [],
    options: face.WriteOptions = {},
  ) {
    const once = options.once ?? randomId();
    const after = this.unanswered.get(options.after ?? "") ?? null;
    const statements = statementsOf(what, parameters);
    const order = { kind: "execute", transaction: 0, once, statements, after } as const;
    const request = new WriteRequest(order, nodeDeadline(options));
    this.unanswered.set(once, request);
    return this.run(request, options).finally(() => {
      if (this.unanswered.get(once) === request) this.unanswered.delete(once);
    });
  }

  async transaction<T>(
    work: (transaction: face.Transaction) => Promise<T>,
    options: face.TransactionOptions = {},
  ): Promise<T> {
    const patience = new Patience(options);
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.tryTransaction(work, options, patience);
        } catch (reason) {
          const isLost = reason instanceof TandemError && reason.code === "transaction_lost";
          if (!isLost || attempt === transactionTries) throw reason;
        }
      }
    } finally {
      patience.end();
    }
  }

  watch<R extends object = Row>(
    sql: string,
    parameters: readonly SqlParameter[] = [],
    options: face.WatchOptions = {},
  ): face.LiveQuery<R> {
    return new LiveRequest<R>(this.session, sql, parameters, options);
  }

  observe(
    tables: readonly string[],
    listener: (changes: face.Changes) => void,
    onFailure: (reason: TandemError) => void = () => {},
  ): () => void {
    const request = new ObserveRequest(this.session, tables, listener, onFailure);
    return () => request.close();
  }

  async ask(what: string, argument: Json = {}, options: face.RequestOptions = {}): Promise<Json> {
    const request = new AskRequest(what, JSON.stringify(argument), nodeDeadline(options));
    return JSON.parse(await this.run(request, options)) as Json;
  }

  status(): Promise<Json> {
    return this.ask("status");
  }

  async conflicts(filter: { open?: boolean; limit?: number } = {}): Promise<readonly face.Conflict[]> {
    return (await this.ask("conflicts", { open: true, ...filter })) as unknown as face.Conflict[];
  }

  async conflict(id: string): Promise<face.Conflict> {
    return (await this.ask("conflict", { id })) as unknown as face.Conflict;
  }

  async resolve(resolution: face.Resolution): Promise<void> {
    await this.ask("resolve", { ...resolution });
  }

  undo(id: string): Promise<void> {
    return this.resolve({ id, take: "undo" });
  }

  async audit(limit = 100): Promise<readonly face.Conflict[]> {
    return (await this.ask("audit", { limit })) as unknown as face.Conflict[];
  }

  why(table: string, key: Json): Promise<Json> {
    return this.ask("why", { table, key });
  }

  tables(): Promise<Json> {
    return this.ask("tables");
  }

  async pause(): Promise<void> {
    await this.ask("pause");
  }

  async resume(): Promise<void> {
    await this.ask("resume");
  }

  async priorities(): Promise<Readonly<Record<string, face.Priority>>> {
    return (await this.ask("priorities")) as Record<string, face.Priority>;
  }

  async prioritize(table: string, priority: face.Priority): Promise<void> {
    await this.ask("prioritize", { table, priority });
  }

  async ping(): Promise<number> {
    const begin = performance.now();
    await this.ask("ping");
    return performance.now() - begin;
  }

  close(): void {
    this.session.close();
  }

  private queryWithin<R extends object>(
    transaction: number,
    sql: string,
    parameters: readonly SqlParameter[],
    options: face.RequestOptions,
  ) {
    const more = (id: number, pages: number) => this.session.tell("more", { id, pages });
    return this.run(new QueryRequest<R>(sql, parameters, transaction, nodeDeadline(options), more), options);
  }

  private async tryTransaction<T>(
    work: (transaction: face.Transaction) => Promise<T>,
    options: face.TransactionOptions,
    patience: Patience,
  ): Promise<T> {
    const begin = new WriteRequest({ kind: "begin", limitMs: options.limitMs ?? 0 }, nodeDeadline(options));
    await this.run(begin, { signal: patience.signal });
    const transaction = begin.id;
    const finish = (isCommit: boolean, how: face.RequestOptions) =>
      this.run(new WriteRequest({ kind: "finish", transaction, isCommit, once: isCommit ? randomId() : "" }, 0), how);
    let result: T;
    try {
      const working = work({
        query: (sql, parameters = [], within = {}) => this.queryWithin(transaction, sql, parameters, within),
        execute: (what, parameters = [], within = {}) => {
          const statements = statementsOf(what, parameters);
          return this.run(
            new WriteRequest({ kind: "execute", transaction, once: "", statements, after: null }, nodeDeadline(within)),
            within,
          );
        },
      });
      result = await Promise.race([working, patience.over]);
    } catch (reason) {
      // What the work failed for is what its caller has to hear, and at once: the node rolls back before it does anything further.
      finish(false, {}).catch(() => {});
      throw reason;
    }
    await finish(true, { signal: patience.signal });
    return result;
  }

  private async run<T>(request: Answered<T>, options: face.RequestOptions): Promise<T> {
    if (options.signal?.aborted) throw whyAborted(options.signal);
    let ticket: Ticket;
    try {
      ticket = this.session.ask(request);
    } catch (reason) {
      throw asTandemError(reason);
    }
    const give = ({ code, message }: TandemError) => {
      if (!this.session.isWaiting(ticket)) return;
      this.session.drop(ticket);
      request.fail(new TandemError(code, message, request.mayHaveHappened));
    };
    const { deadlineMs = 0, signal } = options;
    const onAbort = () => signal && give(whyAborted(signal));
    const timer = deadlineMs > 0 ? setTimeout(() => give(tooLate(deadlineMs)), deadlineMs) : undefined;
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await request.result;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

function statementsOf(what: string | readonly Statement[], parameters: readonly SqlParameter[]): readonly Statement[] {
  return typeof what === "string" ? [{ sql: what, parameters }] : what;
}

const nodeDeadline = (options: face.RequestOptions) => Math.min(options.deadlineMs ?? 0, nodeDeadlineMsMax);

export class WebSocketProvider extends NodeProvider {
  constructor(url: string | URL, options: SessionOptions = {}) {
    super(new WebSocketTransport(url), options);
  }
}

export class HttpProvider extends NodeProvider {
  constructor(url: string | URL, options: SessionOptions = {}) {
    super(new HttpTransport(url), options);
  }
}

export class WebViewProvider extends NodeProvider {
  constructor(options: SessionOptions = {}) {
    super(new WebViewTransport(), options);
  }
}

/** A provider that can change its way to the node while in use: live queries stay, unanswered requests are asked again. */
export class SwitchingProvider extends NodeProvider {
  /** Writes that wait keep their `once`, so nothing is done twice; open interactive transactions run again. */
  switchTo(transport: Transport): void {
    this.session.switchTo(transport);
  }
}
