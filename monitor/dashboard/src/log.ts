import { clockTime, element, place } from "./dom";
import type { LogLine, Report } from "./report";

const linesShownMax = 1000;

/** The node's log as it grows. Lines that stand there stay, so that they can be read, scrolled and selected. */
export class LogList {
  private readonly list = element("ol", { class: "log", tabindex: "0", "aria-label": "Lines of the log" });
  private tail: readonly string[] = [];

  draw({ log }: Report): void {
    if (log.length === 0) {
      if (this.tail.length === 0) place("log").replaceChildren(element("p", {}, "No lines yet."));
      return;
    }
    if (!this.list.isConnected) place("log").replaceChildren(this.list);
    const names = log.map((each) => `${each.time_ms} ${each.level} ${each.text}`);
    const fresh = log.slice(overlap(this.tail, names));
    this.tail = names;
    if (fresh.length === 0) return;
    const isAtEnd = this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 8;
    this.list.append(...fresh.map(lineOf));
    while (this.list.childElementCount > linesShownMax) this.list.firstElementChild?.remove();
    if (isAtEnd) this.list.scrollTop = this.list.scrollHeight;
  }
}

/** How many lines of `now` stand at the end of `before`: the node keeps the latest ones only. */
function overlap(before: readonly string[], now: readonly string[]): number {
  for (let length = Math.min(before.length, now.length); length > 0; length--)
    if (now.slice(0, length).every((line, index) => line === before[before.length - length + index])) return length;
  return 0;
}

function lineOf(line: LogLine): HTMLElement {
  return element(
    "li",
    { class: line.level },
    element("time", {}, clockTime(line.time_ms)),
    ` ${line.level} `,
    line.text,
  );
}
