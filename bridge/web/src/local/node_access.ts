import type { TandemError } from "../errors";

/** What one conversation with a node hears. */
export interface PageLine {
  /** It may say something from now on. Never called within `connect`. */
  ready(): void;
  frame(bytes: Uint8Array<ArrayBuffer>): void;
  /** It is over. Called once at most, and nothing after it. */
  closed(reason: TandemError): void;
}

/** The page's end of a conversation. */
export interface Talk {
  say(bytes: Uint8Array): void;
  /** Ends it; nothing is heard afterwards. */
  hangUp(): void;
}

/** The node of a page's own database, in this tab or in another one. */
export interface NodeAccess {
  /** Counts up with each node on the same database: of two that are heard of, the larger one is it. */
  readonly owner: number;
  /** Null, or why what is written does not outlive the tab in which the node runs. */
  readonly whyNotDurable: string | null;
  connect(line: PageLine): Talk;
  /** A hash of all rows that sync: equal where they are. */
  digest(): Promise<string>;
}
