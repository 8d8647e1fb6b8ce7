import type { TandemError } from "../errors";
import type { Statement } from "../protocol/messages";
import type { Row, SqlParameter } from "../protocol/values";
import type { SessionState } from "../session";
import type { Json } from "./json";

export interface RequestOptions {
  /** The whole time until an answer, connecting included; 0: the node's own limit of 5 s for a statement, and no limit for waiting. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface QueryResult<R extends object = Row> {
  readonly columns: readonly string[];
  readonly rows: readonly R[];
}

export interface WriteOptions extends RequestOptions {
  /** Names this write for good: asked again under the same name, over any connection, it happens once. Made up if not given. */
  readonly once?: string;
  /**
   * The name of a write that was asked for before and is not answered yet. If it fails for what is not its own doing
   * (`busy`, say), this one is not tried either and fails alike: so several may be under way, and none overtakes.
   */
  readonly after?: string;
}

export interface WriteResult {
  readonly changes: number;
  readonly lastRowid: number | bigint;
  /** It had been done before, under the same `once`. */
  readonly isRepeat: boolean;
}

export interface Transaction {
  query<R extends object = Row>(
    sql: string,
    parameters?: readonly SqlParameter[],
    options?: RequestOptions,
  ): Promise<QueryResult<R>>;
  execute(
    what: string | readonly Statement[],
    parameters?: readonly SqlParameter[],
    options?: RequestOptions,
  ): Promise<WriteResult>;
}

/** Time and signal count for all of it: beginning, what is done within, and its end. */
export interface TransactionOptions extends RequestOptions {
  /** Then the node rolls it back: an open transaction keeps all other writers waiting. */
  readonly limitMs?: number;
}

export interface WatchOptions {
  /** Columns of the result that name a row; without them the whole content of a row does. */
  readonly key?: readonly string[];
  readonly deadlineMs?: number;
}

export interface LiveSnapshot<R extends object = Row> {
  readonly columns: readonly string[];
  /** A new list for each change; rows that stayed as they were are the same objects. */
  readonly rows: readonly R[];
  /** False until the first answer. After an error the last rows stay. */
  readonly isReady: boolean;
  /** What may pass (`deadline`, `busy`, `storage`, `sql`) is tried again, later and later, and shown until it has passed. */
  readonly error: TandemError | null;
}

export interface LiveQuery<R extends object = Row> {
  readonly snapshot: LiveSnapshot<R>;
  subscribe(listener: () => void): () => void;
  close(): void;
}

export interface Changes {
  /** Empty: any. */
  readonly tables: readonly string[];
  /** They came from another replica. */
  readonly isRemote: boolean;
}

export type Settlement = "current" | "other" | "value" | "fields" | "undo" | "reinsert";
export interface Resolution {
  readonly id: string;
  readonly take: Settlement;
  /** With `value` the value, with `fields` an object of columns. */
  readonly value?: Json;
  /** Also if the cell was written since. */
  readonly force?: boolean;
  readonly user?: string;
}

/** `critical`: at once; `background`: a few times a second, unless something else leaves anyway. */
export type Priority = "critical" | "normal" | "background";

export interface Conflict {
  readonly id: string;
  readonly table: string;
  readonly [field: string]: Json;
}

/** A database as a page sees it, however it is reached. All failures are `TandemError`s. */
export interface Provider {
  readonly state: SessionState;
  /** Calls back at each change of `state`. */
  onState(listener: (state: SessionState) => void): () => void;

  query<R extends object = Row>(
    sql: string,
    parameters?: readonly SqlParameter[],
    options?: RequestOptions,
  ): Promise<QueryResult<R>>;
  /** One statement, or several in one transaction: all or nothing, and exactly once. */
  execute(
    what: string | readonly Statement[],
    parameters?: readonly SqlParameter[],
    options?: WriteOptions,
  ): Promise<WriteResult>;
  /** Runs `work` within one write transaction, again (three times at most) if the connection was lost under it. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** A result that follows the database. It stays open over lost connections until it is closed. */
  watch<R extends object = Row>(
    sql: string,
    parameters?: readonly SqlParameter[],
    options?: WatchOptions,
  ): LiveQuery<R>;
  /** Tells which tables changed. Without names, of all. Never throws: `onFailure` hears what went wrong. */
  observe(
    tables: readonly string[],
    listener: (changes: Changes) => void,
    onFailure?: (reason: TandemError) => void,
  ): () => void;

  /** A question. One that changes something (`resolve`) is not repeated over a new connection: then `isOutcomeUnknown`. */
  ask(what: string, argument?: Json, options?: RequestOptions): Promise<Json>;
  status(): Promise<Json>;
  /** Those that wait for a person unless `open` is false; the oldest first. */
  conflicts(filter?: { open?: boolean; limit?: number }): Promise<readonly Conflict[]>;
  conflict(id: string): Promise<Conflict>;
  resolve(resolution: Resolution): Promise<void>;
  undo(id: string): Promise<void>;
  /** The newest entries of the audit trail, the newest first; 100 unless said otherwise. */
  audit(limit?: number): Promise<readonly Conflict[]>;
  why(table: string, key: Json): Promise<Json>;
  tables(): Promise<Json>;
  /** Ends the node's links with its peers, and lets none be made, until `resume` is called or the node starts again.
   * Pages go on; `status` tells it as `paused`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Of tables whose changes are not `normal`. */
  priorities(): Promise<Readonly<Record<string, Priority>>>;
  /** How soon changes of a table leave this node; stays in its database. */
  prioritize(table: string, priority: Priority): Promise<void>;
  /** Milliseconds there and back. */
  ping(): Promise<number>;
  /** Requests that wait are rejected with `closed`. */
  close(): void;
}
