import type { Connection, ConnectionEvents, ConnectionIdentity, Transport, TransportKind } from "@tandem/web";

export function quantile(values: readonly number[], share: number): number {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.min(ordered.length - 1, Math.round(share * (ordered.length - 1)))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The mean time of one of `count` calls, one after the other, in milliseconds. WebKit's clock counts whole milliseconds, so single calls can't be timed. */
export async function meanMs(count: number, call: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  for (let each = 0; each < count; each++) await call();
  return (performance.now() - begin) / count;
}

/** The longest time for which the page could not have done anything else while `work` ran. */
export async function longestPauseMs(work: () => Promise<unknown>): Promise<number> {
  const { port1, port2 } = new MessageChannel();
  let longest = 0;
  let last = performance.now();
  port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    port2.postMessage(0);
  };
  port2.postMessage(0);
  await work();
  port1.close();
  return longest;
}

/** Milliseconds since 1970, finer than Date.now where the browser allows it. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

/** Hands everything on, and counts the time that the page spends on what comes in. */
export class TimedTransport implements Transport {
  readonly frameMs: number[] = [];

  constructor(private readonly inner: Transport) {}

  get kind(): TransportKind {
    return this.inner.kind;
  }

  get name(): string {
    return this.inner.name;
  }

  connect(identity: ConnectionIdentity, events: ConnectionEvents): Connection {
    return this.inner.connect(identity, {
      onReady: () => events.onReady(),
      onClosed: (reason) => events.onClosed(reason),
      onFrame: (frame) => {
        const begin = performance.now();
        events.onFrame(frame);
        this.frameMs.push(performance.now() - begin);
      },
    });
  }
}
