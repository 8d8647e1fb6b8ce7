import { WebSocketProvider } from "@tandem/web";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { drawCharts } from "./charts";
import { place } from "./dom";
import { Inbox, makeAudit, makeWhy } from "./inbox";
import { drawActors, drawAlerts, drawFigures, drawLinks, drawLog, drawStations } from "./panels";
import type { Report } from "./report";

const askEachMs = 1000;

/** Out of the address, where it would stay in the history and in pictures of the screen. */
function takeToken(): string {
  const address = new URL(location.href);
  const shown = address.searchParams.get("token");
  if (shown !== null) {
    sessionStorage.setItem("tandem-token", shown);
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }
  return sessionStorage.getItem("tandem-token") ?? "";
}

const db = new WebSocketProvider(new URL("/", location.href).href, { token: takeToken(), name: "monitor" });

function show(state: string, isGood: boolean): void {
  const line = place("state");
  line.textContent = state;
  line.className = isGood ? "up" : "down";
}

async function look(): Promise<void> {
  const report = (await db.ask("monitor")) as unknown as Report;
  place("node").textContent = `${report.version} · ${location.host}`;
  show(`Live, ${new Date(report.time_ms).toLocaleTimeString("en-GB")}`, true);
  drawAlerts(report);
  drawLinks(report);
  drawStations(report);
  drawActors(report);
  drawFigures(report);
  drawLog(report);
  drawCharts(report);
}

async function goOn(): Promise<void> {
  for (;;) {
    if (!document.hidden)
      try {
        await look();
      } catch (reason) {
        show(reason instanceof Error ? reason.message : String(reason), false);
      }
    await new Promise((resolve) => setTimeout(resolve, askEachMs));
  }
}

new Inbox(db);
makeAudit(db);
makeWhy(db);
void goOn();
