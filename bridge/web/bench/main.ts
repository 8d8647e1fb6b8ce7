// One page of the bench, in a browser or in a WebView: measures what its address asks for, and writes every figure into
// the table `figures` as soon as it has it.
import {
  findMessageHandler,
  HttpTransport,
  NodeProvider,
  type Provider,
  type Transport,
  WebSocketTransport,
  WebViewTransport,
} from "@tandem/web";
import { type BareEcho, bareWebSocket, bareWebView } from "./bare";
import { local } from "./local";
import { TimedTransport } from "./measuring";
import { render } from "./render";
import { together } from "./together";
import { flow, largeResult, liveList, queries, type Report, roundTrips } from "./ways";

const asked = new URLSearchParams(location.search);
const way = asked.get("way") ?? (findMessageHandler() ? "webview" : "websocket");

function transport(): Transport {
  const node = asked.get("node") ?? location.origin.replace("http", "ws");
  if (way === "webview") return new WebViewTransport();
  return way === "http" ? new HttpTransport(node.replace("ws", "http")) : new WebSocketTransport(node);
}

async function bareEcho(): Promise<BareEcho | null> {
  const echo = asked.get("echo");
  return way === "webview" ? bareWebView() : echo ? await bareWebSocket(echo) : null;
}

const parts: Record<string, (provider: Provider, report: Report) => Promise<void>> = {
  roundtrips: async (provider, report) => {
    const bare = await bareEcho();
    if (bare) await roundTrips(way, provider, bare, report);
  },
  queries: (provider, report) => queries(way, provider, report),
  large: (provider, report) => largeResult(way, provider, report),
  live: (provider, report) => liveList(way, new TimedTransport(transport()), provider, report),
  together: (provider, report) => together(asked.get("me") ?? "", provider, Number(asked.get("ticks")), report),
  render: (provider, report) => render(way, provider, Number(asked.get("ticks") ?? 300), report),
  local: (_, report) => local(asked.get("node") ?? "", Number(asked.get("rows")), report),
  flow: async (provider, report) => {
    const heap = heapMb();
    await flow(way, provider, report);
    if (heap !== null) await report(`${way} heap_growth_mb`, (heapMb() ?? 0) - heap);
  },
};

/** Chromium alone tells, and only if it was started with --enable-precise-memory-info and --expose-gc. */
function heapMb(): number | null {
  const { memory } = performance as { memory?: { usedJSHeapSize: number } };
  const { gc } = globalThis as { gc?: () => void };
  if (!memory || !gc) return null;
  gc();
  return memory.usedJSHeapSize / 2 ** 20;
}

const notes = new NodeProvider(transport());
const report: Report = (name, value) =>
  notes.execute("INSERT INTO figures(name, value) VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", [
    name,
    value,
  ]);
for (const name of (asked.get("parts") ?? "").split(",")) {
  const provider = new NodeProvider(transport());
  try {
    await parts[name]?.(provider, report);
  } catch (reason) {
    await notes.execute("INSERT INTO troubles(what) VALUES(?)", [`${way} ${name}: ${reason}`]);
  } finally {
    provider.close();
  }
}
await report(`${way} done`, 1);
