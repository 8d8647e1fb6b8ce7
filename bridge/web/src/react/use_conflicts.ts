import { useCallback, useEffect, useState } from "react";
import { asTandemError, type TandemError } from "../errors";
import type { Conflict, Provider, Resolution } from "../providers/provider";
import { useProvider } from "./context";

export interface Conflicts {
  readonly conflicts: readonly Conflict[];
  readonly isReady: boolean;
  readonly error: TandemError | null;
  readonly resolve: (resolution: Resolution) => Promise<void>;
  /** Takes the last settlement back, a person's or a policy's; and so an undo. */
  readonly undo: (id: string) => Promise<void>;
}

type Found = Pick<Conflicts, "conflicts" | "isReady" | "error">;

/** The conflicts (the open ones, unless said otherwise), as they come and go on whatever device. */
export function useConflicts(filter: { readonly open?: boolean; readonly limit?: number } = {}): Conflicts {
  const { open = true, limit = 200 } = filter;
  const ask = useCallback((provider: Provider) => provider.conflicts({ open, limit }), [open, limit]);
  return useFollowed(ask);
}

/** Among so many of the newest conflicts the settled ones are looked for. */
const trailRead = 200;

/** What people and policies settled, the latest first. */
export function useSettledConflicts(limit = 3): Conflicts {
  const ask = useCallback(
    async (provider: Provider) =>
      (await provider.audit(trailRead))
        .filter(({ state, trouble }) => settledStates.has(String(state)) && !trouble)
        .sort((left, right) => Number(right.settled_ms) - Number(left.settled_ms))
        .slice(0, limit),
    [limit],
  );
  return useFollowed(ask);
}

const settledStates: ReadonlySet<string> = new Set(["settled", "resolved", "undone"]);

function useFollowed(ask: (provider: Provider) => Promise<readonly Conflict[]>): Conflicts {
  const provider = useProvider();
  const [found, setFound] = useState<Found>({ conflicts: [], isReady: false, error: null });
  useEffect(() => follow(provider, ask, setFound), [provider, ask]);
  const resolve = useCallback((resolution: Resolution) => provider.resolve(resolution), [provider]);
  const undo = useCallback((id: string) => provider.undo(id), [provider]);
  return { ...found, resolve, undo };
}

function follow(
  provider: Provider,
  ask: (provider: Provider) => Promise<readonly Conflict[]>,
  tell: (change: (before: Found) => Found) => void,
): () => void {
  let isGone = false;
  let isAsking = false;
  let isStale = false;
  const fail = (reason: unknown) => {
    if (!isGone) tell((before) => ({ ...before, error: asTandemError(reason) }));
  };
  // News that come while an answer is under way are asked for once more, not once each.
  const load = async () => {
    isStale = true;
    if (isAsking) return;
    isAsking = true;
    while (isStale && !isGone) {
      isStale = false;
      try {
        const conflicts = await ask(provider);
        if (!isGone) tell(() => ({ conflicts, isReady: true, error: null }));
      } catch (reason) {
        fail(reason);
      }
    }
    isAsking = false;
  };
  let stop = () => {};
  try {
    stop = provider.observe(["tandem_conflicts"], () => void load());
    void load();
  } catch (reason) {
    // A provider that is closed says so at once; what is thrown in an effect would take the whole app away.
    fail(reason);
  }
  return () => {
    isGone = true;
    stop();
  };
}
