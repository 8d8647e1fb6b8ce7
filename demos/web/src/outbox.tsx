import { type PendingWrite, type Row, withPending } from "@tandem/web";
import { useQuery, useSyncManager } from "@tandem/web/react";
import type { Write } from "./writes";

const byId = { key: ["id"] };

/** A live query of one table with what waits in the browser already in it, and whether a row has something that waits. */
export function useRows<R extends { id: string }>(table: string, sql: string, parameters: readonly string[] = []) {
  const { writes } = useSyncManager();
  const live = useQuery<R & Row>(sql, parameters, byId);
  const rows = withPending<R>(live.rows, writes, table, byId.key);
  const waits = (id: string) =>
    writes.some(({ overlay, state }) => overlay?.table === table && overlay.values.id === id && state !== "saved");
  return { rows, waits, isReady: live.isReady, error: live.error };
}

export function useWrite(): (write: Write) => void {
  const { manager } = useSyncManager();
  return ({ sql, parameters, intent }) => void manager.write(sql, parameters, intent);
}

/** The switch for working offline, and how much waits. */
export function OfflineSwitch() {
  const { manager, isPaused, writes, whyNotDurable } = useSyncManager();
  // What is being typed goes in a moment: it is nothing to tell of.
  const waiting = writes.filter(({ state }) => state === "waiting" || state === "sending").length;
  return (
    <span className="offline">
      <label>
        <input
          type="checkbox"
          role="switch"
          aria-checked={isPaused}
          checked={isPaused}
          onChange={(event) => void (event.target.checked ? manager.pause() : manager.resume())}
        />
        Work offline
      </label>
      <output title={whyNotDurable ?? undefined}>{waiting === 0 ? "" : saying(waiting, whyNotDurable)}</output>
    </span>
  );
}

const saying = (count: number, whyNotDurable: string | null) =>
  `${count} ${count === 1 ? "edit waits" : "edits wait"} ${whyNotDurable ? "until this page is closed" : "here"}`;

/** What the node would not take, with its reason. */
export function Refusals() {
  const { manager, writes } = useSyncManager();
  const refused = writes.filter(({ state }) => state === "refused");
  if (refused.length === 0) return null;
  return (
    <section className="refusals" aria-label="Not saved">
      {refused.map((write) => (
        <p key={write.once} role="alert">
          <span>
            {describe(write)} was not saved: {write.refusal?.text}
          </span>
          <button type="button" onClick={() => void manager.retry(write.once)}>
            Try again
          </button>
          <button type="button" onClick={() => void manager.dismiss(write.once)}>
            Give up
          </button>
        </p>
      ))}
    </section>
  );
}

function describe({ overlay }: PendingWrite): string {
  const { id: _, ...values } = overlay?.values ?? {};
  return Object.keys(values).length === 0
    ? "A change"
    : `The ${Object.keys(values).join(", ")} of a ${overlay?.table === "tasks" ? "task" : "note"}`;
}
