import { useSyncExternalStore } from "react";
import { asTandemError, type TandemError } from "../errors";
import type { Provider } from "../providers/provider";
import { useProvider } from "./context";

/** As fast as the node's own figures change. */
const askEachMs = 1_000;
const deadlineMs = 5_000;

/** From an edit on another device until it was merged at the node, within the last minute. */
export interface SyncLatency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many times were measured. */
  readonly count: number;
}

export interface PeerStatus {
  readonly name: string;
  readonly isLinked: boolean;
  /** Changes that it has not acknowledged yet. */
  readonly waiting: number;
  /** Of what came from it; null: nothing came. */
  readonly latency: SyncLatency | null;
}

export interface NodeAlert {
  readonly rule: string;
  readonly severity: "info" | "warning" | "critical";
  /** What is wrong, in figures; why; and what to do. */
  readonly text: string;
  readonly cause: string;
  readonly step: string;
  readonly seconds: number;
}

/** What the node knows of how its sync goes (docs/monitoring.md). */
export interface NodeStatus {
  /** By the node's clock. */
  readonly time: Date;
  /** False: the node measures nothing, and so tells nothing below. */
  readonly isMeasured: boolean;
  readonly isPaused: boolean;
  /** Of the slowest peer; null: nothing came. */
  readonly latency: SyncLatency | null;
  readonly peers: readonly PeerStatus[];
  /** What is wrong now. */
  readonly alerts: readonly NodeAlert[];
}

export interface NodeStatusState {
  /** Null until the first answer. */
  readonly status: NodeStatus | null;
  /** Why the last question had no answer; `status` is then of before. */
  readonly error: TandemError | null;
}

/** How the node's sync goes, asked for each second while any component shows it. */
export function useNodeStatus(): NodeStatusState {
  const watch = watchOf(useProvider());
  return useSyncExternalStore(watch.subscribe, watch.state, watch.state);
}

const watches = new WeakMap<Provider, NodeWatch>();

/** Components share the answers. */
function watchOf(provider: Provider): NodeWatch {
  const watch = watches.get(provider) ?? new NodeWatch(provider);
  watches.set(provider, watch);
  return watch;
}

class NodeWatch {
  private readonly listeners = new Set<() => void>();
  private current: NodeStatusState = { status: null, error: null };
  /** Aborts the question and the wait when the last component has gone. */
  private leaving = new AbortController();

  constructor(private readonly provider: Provider) {}

  readonly state = () => this.current;

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    if (this.listeners.size === 1) {
      this.leaving = new AbortController();
      void this.goOn(this.leaving.signal);
    }
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.leaving.abort();
    };
  };

  private async goOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const report = await this.provider.ask("monitor", {}, { deadlineMs, signal });
        this.show(signal, { status: statusOf(report as unknown as Report), error: null });
      } catch (reason) {
        this.show(signal, { ...this.current, error: asTandemError(reason) });
      }
      await pass(askEachMs, signal);
    }
  }

  private show(signal: AbortSignal, state: NodeStatusState): void {
    if (signal.aborted) return;
    this.current = state;
    for (const listener of [...this.listeners]) listener();
  }
}

function pass(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

/** What of the node's answer is used here. */
interface Report {
  readonly time_ms: number;
  readonly measures: boolean;
  readonly paused: boolean;
  readonly links: readonly {
    readonly peer: string;
    readonly up: boolean;
    readonly lag: number;
    readonly latency: { readonly count: number; readonly p50_ms: number; readonly p99_ms: number };
  }[];
  readonly alerts: readonly {
    readonly rule: string;
    readonly severity: NodeAlert["severity"];
    readonly seconds: number;
    readonly evidence: string;
    readonly cause: string;
    readonly step: string;
  }[];
}

function statusOf(report: Report): NodeStatus {
  const peers = report.links.map(({ peer, up, lag, latency: { count, p50_ms, p99_ms } }) => ({
    name: peer,
    isLinked: up,
    waiting: lag,
    latency: count === 0 ? null : { p50Ms: p50_ms, p99Ms: p99_ms, count },
  }));
  return {
    time: new Date(report.time_ms),
    isMeasured: report.measures,
    isPaused: report.paused,
    latency: slowestOf(peers),
    peers,
    alerts: report.alerts.map(({ rule, severity, seconds, evidence, cause, step }) => ({
      rule,
      severity,
      text: evidence,
      cause,
      step,
      seconds,
    })),
  };
}

function slowestOf(peers: readonly PeerStatus[]): SyncLatency | null {
  let slowest: SyncLatency | null = null;
  for (const { latency } of peers) if (latency && latency.p99Ms > (slowest?.p99Ms ?? -1)) slowest = latency;
  return slowest;
}
