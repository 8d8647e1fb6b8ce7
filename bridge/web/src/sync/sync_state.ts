import type { BackoffOptions } from "../backoff";
import type { TandemError } from "../errors";
import type { OutboxStore, StoredWrite } from "./outbox_store";

export interface PendingWrite extends StoredWrite {
  /** `typing`: its pause is not over. `saved`: the node has it; it stays here until what is shown may have caught up. */
  readonly state: "typing" | "waiting" | "sending" | "saved" | "refused";
}

export interface SyncManagerState {
  /** In the order in which they were made, those of other tabs too. */
  readonly writes: readonly PendingWrite[];
  /** In all tabs, also those that are opened later, until `resume`. */
  readonly isPaused: boolean;
  /** This tab sends what all tabs write. */
  readonly leads: boolean;
  /** Null, or why what waits does not outlive the page. */
  readonly whyNotDurable: string | null;
  /** The same for programs: `full` where the browser has no room left, `storage` else. */
  readonly storeTrouble: TandemError | null;
}

export interface SyncManagerOptions {
  /** Pages of one origin with the same name share what waits. */
  readonly name?: string;
  readonly store?: OutboxStore;
  /** A saved write is shown so long though a live query may not have it yet. */
  readonly shownMs?: number;
  /** Between tries of a write that the node could not take yet. */
  readonly backoff?: BackoffOptions;
}
