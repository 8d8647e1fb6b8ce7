import { Real, type SqlParameter } from "../protocol/values";
import type { LiveQuery, LiveSnapshot, Provider, WatchOptions } from "../providers/provider";

/** A live query that nobody shows any more is kept for so long: components are taken away and put back. */
const lingerMs = 2_000;

export interface SharedQuery<R extends object> {
  readonly subscribe: (listener: () => void) => () => void;
  readonly snapshot: () => LiveSnapshot<R>;
}

const caches = new WeakMap<Provider, Map<string, SharedQuery<object>>>();

/** The one live query of this provider with that statement: components that ask for the same share it. */
export function sharedQuery<R extends object>(
  provider: Provider,
  sql: string,
  parameters: readonly SqlParameter[],
  options: WatchOptions,
): SharedQuery<R> {
  const cache = caches.get(provider) ?? new Map<string, SharedQuery<object>>();
  caches.set(provider, cache);
  const name = nameOf(sql, parameters, options);
  const shared =
    cache.get(name) ??
    share(provider.watch<R>(sql, parameters, options) as LiveQuery<object>, () => cache.delete(name));
  cache.set(name, shared);
  return shared as SharedQuery<R>;
}

function share(live: LiveQuery<object>, forget: () => void): SharedQuery<object> {
  let users = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const linger = () => {
    timer = setTimeout(() => {
      forget();
      live.close();
    }, lingerMs);
  };
  // A component that was rendered and never mounted does not subscribe.
  linger();
  return {
    snapshot: () => live.snapshot,
    subscribe: (listener) => {
      clearTimeout(timer);
      users++;
      const stop = live.subscribe(listener);
      return () => {
        stop();
        if (--users === 0) linger();
      };
    },
  };
}

/** The same for the same question; JSON alone knows neither bigint nor blobs. */
export function nameOf(sql: string, parameters: readonly SqlParameter[], options: WatchOptions): string {
  const values = parameters.map((value) => {
    if (typeof value === "bigint") return { integer: String(value) };
    if (value instanceof Uint8Array) return { blob: Array.from(value) };
    return value instanceof Real
      ? { real: String(value.value) }
      : typeof value === "number"
        ? { number: String(value) }
        : value;
  });
  return JSON.stringify([sql, values, options.key ?? [], options.deadlineMs ?? 0]);
}
