import { asTandemError, TandemError } from "./errors";
import { NodeProvider } from "./providers/node_provider";
import type { SessionOptions } from "./session";
import { HttpTransport } from "./transports/http";
import type { Transport } from "./transports/transport";
import { WebSocketTransport } from "./transports/websocket";
import { findMessageHandler, WebViewTransport } from "./transports/webview";

/** Ways to the data, the best first. */
export const environmentKinds = ["webview", "websocket", "http", "local"] as const;
export type EnvironmentKind = (typeof environmentKinds)[number];

export interface Finding {
  readonly kind: EnvironmentKind;
  /** It was tried, and answered. */
  readonly works: boolean;
  /** The median of some round trips; null if there was none. */
  readonly pingMs: number | null;
  /** For people: why it works or not. */
  readonly reason: string;
}

export interface Environment {
  /** Null if nothing answered. */
  readonly chosen: EnvironmentKind | null;
  /** For people: why this one. */
  readonly reason: string;
  /** All that there is to choose from, the best first. */
  readonly findings: readonly Finding[];
}

export interface EnvironmentOptions extends SessionOptions {
  /** Of the node; the page's own origin if not given. */
  readonly url?: string | URL;
  /** Takes this way, whatever else is there. */
  readonly forced?: EnvironmentKind | null;
  /** Makes the way to a database within the page, for when no node is there. */
  readonly local?: () => Transport;
  /** What answers no sooner counts as not there. */
  readonly probeMs?: number;
}

const defaultProbeMs = 1_500;
const probes = 3;
const titles = {
  webview: "the app around this page",
  websocket: "WebSocket",
  http: "HTTP",
  local: "the database in this page",
} as const satisfies Record<EnvironmentKind, string>;

/**
 * Finds out what is here, by trying it: capabilities first, then timed round trips over each way at once, by sessions of
 * its own. `AdaptiveProvider` does so, and goes on looking.
 */
export async function detectEnvironment(options: EnvironmentOptions = {}): Promise<Environment> {
  return choose(await Promise.all(environmentKinds.map((kind) => probe(kind, options))), options.forced ?? null);
}

/** Of what was found, the first that works. */
export function choose(findings: readonly Finding[], forced: EnvironmentKind | null = null): Environment {
  const best = findings.find((finding) => finding.works && (!forced || finding.kind === forced));
  if (forced) return { chosen: best?.kind ?? null, reason: `${titles[forced]} was asked for`, findings };
  if (!best) return { chosen: null, reason: "nothing answered; the best way is tried again and again", findings };
  const passedOver = findings.slice(0, findings.indexOf(best)).map((finding) => finding.reason);
  return { chosen: best.kind, reason: [...passedOver, best.reason].join("; "), findings };
}

/** Why a way can't be here, without trying it; null: it may. */
export function whyNotHere(kind: EnvironmentKind, options: EnvironmentOptions): string | null {
  switch (kind) {
    case "webview":
      return findMessageHandler() ? null : "this page does not run in an app's WebView";
    case "websocket":
      if (typeof WebSocket === "undefined") return "this browser has no WebSockets";
      return nodeUrl(options) ? null : "no node was named";
    case "http":
      if (typeof fetch === "undefined") return "this browser has no fetch";
      return nodeUrl(options) ? null : "no node was named";
    case "local":
      return options.local ? null : "this page has no database of its own";
  }
}

/** @throws TandemError `usage` if that way can't be here. */
export function transportTo(kind: EnvironmentKind, options: EnvironmentOptions): Transport {
  const reason = whyNotHere(kind, options);
  if (reason) throw new TandemError("usage", reason);
  const url = nodeUrl(options) ?? "";
  switch (kind) {
    case "webview":
      return new WebViewTransport();
    case "websocket":
      return new WebSocketTransport(url);
    case "http":
      return new HttpTransport(url);
    case "local":
      return (options.local as () => Transport)();
  }
}

/** Tries one way with a session of its own. */
export async function probe(kind: EnvironmentKind, options: EnvironmentOptions): Promise<Finding> {
  const reason = whyNotHere(kind, options);
  if (reason) return { kind, works: false, pingMs: null, reason };
  const probeMs = options.probeMs ?? defaultProbeMs;
  let provider: NodeProvider | null = null;
  try {
    provider = new NodeProvider(transportTo(kind, options), { ...options, connectMs: probeMs, silenceMs: 0 });
    const pingMs = await medianPing(provider, probeMs);
    return { kind, works: true, pingMs, reason: `${titles[kind]} answers in ${pingMs.toFixed(1)} ms` };
  } catch (failure) {
    const known = provider?.state.reason ?? asTandemError(failure);
    return { kind, works: false, pingMs: null, reason: `${titles[kind]}: ${known.message}` };
  } finally {
    provider?.close();
  }
}

/** @throws TandemError `deadline`, or why the provider is closed. */
export async function medianPing(provider: NodeProvider, withinMs: number): Promise<number> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TandemError("deadline", `no answer within ${withinMs} ms`)), withinMs);
  });
  try {
    const times: number[] = [];
    await Promise.race([provider.ping(), late]); // The first one waits for the connection too.
    for (let i = 0; i < probes; i++) times.push(await Promise.race([provider.ping(), late]));
    return times.sort((left, right) => left - right)[Math.floor(probes / 2)] ?? 0;
  } finally {
    clearTimeout(timer);
  }
}

function nodeUrl(options: EnvironmentOptions): string | null {
  if (options.url) return String(options.url);
  const origin = globalThis.location?.origin;
  return origin?.startsWith("http") ? origin : null;
}
