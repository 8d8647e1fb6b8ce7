import { useCallback, useRef, useState, useSyncExternalStore } from "react";
import { asTandemError, type TandemError } from "../errors";
import type { Row, SqlParameter } from "../protocol/values";
import type { LiveSnapshot, WatchOptions, WriteResult } from "../providers/provider";
import type { SessionState } from "../session";
import { useProvider } from "./context";
import { sharedQuery } from "./live_cache";

const nothing: readonly SqlParameter[] = [];

export interface QueryOptions extends WatchOptions {
  /** Suspends the component until the first rows are there, and throws an error to the next error boundary. */
  readonly suspense?: boolean;
}

/** A result that follows the database; `rows` is a new list for each change. */
export function useQuery<R extends object = Row>(
  sql: string,
  parameters: readonly SqlParameter[] = nothing,
  options: QueryOptions = {},
): LiveSnapshot<R> {
  const shared = sharedQuery<R>(useProvider(), sql, parameters, options);
  const snapshot = useSyncExternalStore(shared.subscribe, shared.snapshot, shared.snapshot);
  if (options.suspense && snapshot.error) throw snapshot.error;
  if (options.suspense && !snapshot.isReady)
    throw new Promise<void>((resolve) => {
      const stop = shared.subscribe(() => {
        stop();
        resolve();
      });
    });
  return snapshot;
}

export interface Mutation<Arguments extends unknown[]> {
  /** Never rejects: what went wrong stands in `error`, and the result is null. */
  readonly run: (...given: Arguments) => Promise<WriteResult | null>;
  readonly isPending: boolean;
  readonly error: TandemError | null;
}

/** A write: a statement whose parameters `run` takes, or a function of one's own. */
export function useMutation<Arguments extends unknown[] = SqlParameter[]>(
  what: string | ((...given: Arguments) => Promise<WriteResult>),
): Mutation<Arguments> {
  const provider = useProvider();
  const [pending, setPending] = useState(0);
  const [error, setError] = useState<TandemError | null>(null);
  const latest = useRef(what);
  latest.current = what;
  const run = useCallback(
    async (...given: Arguments) => {
      setPending((count) => count + 1);
      setError(null);
      try {
        const write = latest.current;
        return await (typeof write === "string" ? provider.execute(write, given as SqlParameter[]) : write(...given));
      } catch (reason) {
        setError(asTandemError(reason));
        return null;
      } finally {
        setPending((count) => count - 1);
      }
    },
    [provider],
  );
  return { run, isPending: pending > 0, error };
}

/** Whether the node is there, and how it is reached. How its own sync goes tells `useNodeStatus`. */
export function useStatus(): SessionState {
  const provider = useProvider();
  const subscribe = useCallback((listener: () => void) => provider.onState(listener), [provider]);
  const state = () => provider.state;
  return useSyncExternalStore(subscribe, state, state);
}
