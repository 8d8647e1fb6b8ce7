import { asTandemError, WebSocketProvider } from "@tandem/web";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { makeAudit, makeWhy } from "./asking";
import { drawCharts } from "./charts";
import { place } from "./dom";
import { Inbox } from "./inbox";
import { Liveness } from "./liveness";
import { LogList } from "./log";
import { drawActors, drawAlerts, drawFigures, drawLinks, drawStations, drawTraces } from "./panels";
import type { Report } from "./report";
import { drawUnmeasured, type Status } from "./unmeasured";

const askEachMs = 1000;
/** While the node is away, the next try is worth more than waiting for an old one. */
const within = { deadlineMs: 3000 };

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

const liveness = new Liveness(db);
const log = new LogList();

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
      liveness.noteTrouble(asTandemError(reason));
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
  const report = (await db.ask("monitor", {}, within)) as unknown as Report;
  place("node").textContent = `${report.version} · ${location.host}`;
  document.body.classList.toggle("unmeasured", !report.measures);
  await (report.measures ? drawMeasured(report) : drawTheRest());
  log.draw(report);
  liveness.noteReport(report.time_ms);
}

async function drawMeasured(report: Report): Promise<void> {
  drawAlerts(report);
  drawLinks(report);
  pauses.show(report.paused);
  drawStations(report);
  drawTraces(report);
  drawActors(report);
  drawFigures(report, (await db.ask("priorities", {}, within)) as Record<string, string>);
  drawCharts(report);
}

async function drawTheRest(): Promise<void> {
  const status = (await db.ask("status", {}, within)) as unknown as Status;
  drawUnmeasured(status);
  pauses.show(status.paused);
}

/** Until it is time for the next look; a page that comes into sight does not wait. */
function pass(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    document.addEventListener("visibilitychange", end);
  });
}

async function goOn(): Promise<void> {
  for (;;) {
    if (!document.hidden)
      try {
        await look();
      } catch (reason) {
        liveness.noteTrouble(asTandemError(reason));
      }
    await pass(askEachMs);
  }
}

new Inbox(db);
makeAudit(db);
makeWhy(db);
void goOn();
