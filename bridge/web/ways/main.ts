// The page of `tandem validate`: measures every way from here to the node, one after the other, and leaves the report in the database.
import { findMessageHandler, HttpProvider, type Provider, WebSocketProvider, WebViewProvider } from "@tandem/web";
import { validateBridge } from "@tandem/web/validation";
import { bareWebView } from "../bench/bare";
import { bareRatio } from "./bare_ratio";

const { scale } = (await (await fetch("options.json")).json()) as { scale: number };
const providers: Record<string, Provider> = {
  ...(findMessageHandler() && { webview: new WebViewProvider() }),
  websocket: new WebSocketProvider(location.origin.replace("http", "ws")),
  http: new HttpProvider(location.origin),
};
const notes = new HttpProvider(location.origin);
const report = await validateBridge(providers, {
  scale,
  onProgress: (way, what) => void notes.execute("INSERT INTO progress(text) VALUES(?)", [`${way}: ${what}`]),
});
const bare = bareWebView();
const ways = report.ways.map((each) => ({ ...each, figures: [...each.figures] as object[] }));
for (const each of ways)
  if (each.way === "webview" && bare) each.figures.push(await bareRatio(providers.webview as Provider, bare, scale));
await notes.execute("INSERT INTO reports(json) VALUES(?)", [JSON.stringify({ ways })]);
