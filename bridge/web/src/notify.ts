/** Calls back one after the other. What one of them throws is reported as uncaught, and keeps nobody else from hearing. */
export function notify<A extends unknown[]>(listeners: Iterable<(...given: A) => void>, ...given: A): void {
  for (const listener of [...listeners])
    try {
      listener(...given);
    } catch (reason) {
      report(reason);
    }
}

function report(reason: unknown): void {
  if (typeof globalThis.reportError === "function") globalThis.reportError(reason);
  else
    queueMicrotask(() => {
      throw reason;
    });
}
