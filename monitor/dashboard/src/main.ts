import { WebSocketProvider } from "@tandem/web";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { drawCharts } from "./charts";
import { place } from "./dom";
import { Inbox, makeAudit, makeWhy } from "./inbox";
import { drawActors, drawAlerts, drawFigures, drawLinks, drawLog, drawStations, drawTraces } from "./panels";
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

/** Pauses and resumes the node's sync. What went wrong stands in the state line, until the next look. */
function makePause(): { show(isPaused: boolean): void } {
  const button = place("pause") as HTMLButtonElement;
  let isPaused = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await (isPaused ? db.resume() : db.pause());
      await look();
    } catch (reason) {
      show(reason instanceof Error ? reason.message : String(reason), false);
    }
    button.disabled = false;
  });
  return {
    show(now) {
      isPaused = now;
      button.hidden = false;
      button.textContent = now ? "Resume sync" : "Pause sync";
    },
  };
}

const pauses = makePause();

async function look(): Promise<void> {
  const report = (await db.ask("monitor")) as unknown as Report;
  place("node").textContent = `${report.version} · ${location.host}`;
  show(`Live, ${new Date(report.time_ms).toLocaleTimeString("en-GB")}`, true);
  drawAlerts(report);
  drawLinks(report);
  pauses.show(report.paused);
  drawStations(report);
  drawTraces(report);
  drawActors(report);
  drawFigures(report, await db.priorities());
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
