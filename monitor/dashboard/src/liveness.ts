import type { Provider, TandemError } from "@tandem/web";
import { clockTime, place } from "./dom";

/** A report comes each second. One that is older than this says nothing about now. */
const staleAfterMs = 3000;
const lookEachMs = 500;

/** Tells whether what the page shows is what goes on now: how the connection is, and of when the last report is. */
export class Liveness {
  private takenAt: number | null = null;
  private timeMs = 0;
  private trouble = "";

  constructor(private readonly db: Provider) {
    db.onState(() => this.show());
    setInterval(() => this.show(), lookEachMs);
    this.show();
  }

  /** `timeMs`: of the node's clock. */
  noteReport(timeMs: number): void {
    this.takenAt = performance.now();
    this.timeMs = timeMs;
    this.trouble = "";
    this.show();
  }

  noteTrouble(reason: TandemError): void {
    this.trouble = reason.message;
    this.show();
  }

  private show(): void {
    const { phase, reason } = this.db.state;
    const age = this.takenAt === null ? null : performance.now() - this.takenAt;
    const isStale = phase !== "open" || age === null || age > staleAfterMs;
    document.body.classList.toggle("stale", isStale && age !== null);
    const at = clockTime(this.timeMs);
    if (phase !== "open")
      this.say(notConnected(phase, reason), age === null ? "" : `. The last report is of ${at}`, false);
    else if (age === null) this.say(this.trouble || "Connecting", "", this.trouble === "");
    else if (isStale)
      this.say(`No report comes${this.trouble && `: ${this.trouble}`}`, `. The last one is of ${at}`, false);
    else if (this.trouble) this.say(this.trouble, "", false);
    else this.say("Live", `, ${at}`, true);
  }

  /** Screen readers hear `what` when it changes, and not the time of each report. */
  private say(what: string, since: string, isGood: boolean): void {
    place("state").className = isGood ? "up" : "down";
    if (place("connection").textContent !== what) place("connection").textContent = what;
    place("since").textContent = since;
  }
}

function notConnected(phase: string, reason: TandemError | null): string {
  const why = reason ? `: ${reason.message}` : "";
  return phase === "closed" ? `Closed${why}` : `Not connected, trying again${why}`;
}
