import type { Overlay, StoredWrite } from "./outbox_store";

export interface WriteIntent {
  /** What to show meanwhile. */
  readonly overlay?: Overlay;
  /** While it waits, a later write of the same name takes its place: for what is typed, say. */
  readonly replaces?: string;
  /**
   * It is stored at once, and sent after so long a pause: with `replaces`, for what is typed. A write of something else
   * is not kept waiting by it: then both are sent.
   */
  readonly debounceMs?: number;
  /** The longest that it waits while it is typed on; five times `debounceMs` if not given. */
  readonly debounceMostMs?: number;
}

const debouncesMost = 5;

/** `before`: the same typed earlier, if it still waits. Since when it has waited counts from the first of it. */
export function pauseOf(
  intent: WriteIntent,
  madeMs: number,
  before: StoredWrite | undefined,
): Pick<StoredWrite, "dueMs" | "latestMs"> {
  const { debounceMs = 0, debounceMostMs = debouncesMost * debounceMs } = intent;
  if (debounceMs <= 0) return { dueMs: null, latestMs: null };
  const latestMs = before?.latestMs ?? madeMs + debounceMostMs;
  return { dueMs: Math.min(madeMs + debounceMs, latestMs), latestMs };
}

/** For how long it is not due yet. A clock that was set back makes nothing wait longer. */
export function holdMs({ dueMs, madeMs }: StoredWrite): number {
  const now = Date.now();
  return dueMs === null || now < madeMs ? 0 : Math.max(0, dueMs - now);
}
