import { ago, bytes, clockTime, count, element, ms, place, table } from "./dom";
import type { Report, StationTimes } from "./report";

export function drawAlerts({ alerts }: Report): void {
  const items = alerts.map((each) =>
    element(
      "li",
      { class: `alert ${each.severity}`, "data-rule": each.rule },
      element("strong", {}, each.evidence),
      element("span", {}, ...prose(`${each.cause}.`)),
      element("span", { class: "step" }, ...prose(`To do: ${each.step}.`)),
      element("small", {}, `${each.rule}, for ${ago(each.seconds)}`),
    ),
  );
  place("alerts").replaceChildren(
    items.length === 0 ? element("p", { class: "fine" }, "Nothing is wrong.") : element("ul", {}, ...items),
  );
}

/** What stands between backticks is code. */
function prose(text: string): Node[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? element("code", {}, part) : new Text(part)));
}

export function drawLinks({ links }: Report): void {
  if (links.length === 0) {
    place("links").replaceChildren(element("p", {}, "No peer has been linked with yet."));
    return;
  }
  const rows = links.map((each) => [
    element("b", {}, each.peer),
    element(
      "span",
      { class: each.up ? "up whole" : "down whole" },
      `${each.up ? "linked" : "cut"}, ${ago(each.seconds)}`,
    ),
    cursor(each.acknowledged, each.sent, each.head),
    count(each.lag),
    count(each.applied),
    ms(each.round_trip.p50_ms),
    `${ms(each.latency.p50_ms)} / ${ms(each.latency.p99_ms)}`,
    ms(each.batch_window_ms),
    element("span", { class: "whole" }, `${bytes(each.credit_bytes)}, ${each.credit_messages}`),
    `${each.clock_offset_seconds.toFixed(1)} s`,
  ]);
  place("links").replaceChildren(
    table(
      [
        "Peer",
        "State",
        "Has of our log",
        "Lacks",
        "Applied of its log",
        "Round trip, ms",
        "Latency p50 / p99, ms",
        "Collects for, ms",
        "Credit left",
        "Clock ahead",
      ],
      rows,
    ),
  );
}

function cursor(acknowledged: number, sent: number, head: number): HTMLElement {
  const bar = element("progress", { max: String(Math.max(head, 1)), value: String(acknowledged) });
  bar.title = `acknowledged ${count(acknowledged)}, sent ${count(sent)}, of ${count(head)}`;
  return element("span", { class: "cursor" }, bar, ` ${count(acknowledged)} of ${count(head)}`);
}

const explained: Readonly<Record<string, string>> = {
  seen: "until the node noticed the write",
  stamped: "until it stood in the log, on disk",
  bundled: "until it was read for the link",
  sent: "until it had left",
  received: "on the way",
  merged: "until it was merged, on disk",
  acknowledged: "from leaving until the answer was back",
  shown: "until a page had shown it",
};

export function drawStations({ waterfall, slowest, times }: Report): void {
  const parts: Node[] = [];
  for (const way of waterfall) {
    const whole = way.stations.reduce((sum, each) => sum + each.ms, 0);
    let before = 0;
    const bars = way.stations.map((each, index) => {
      const isSlowest = index === slowest.place && way.peer === slowest.peer;
      const bar = element("i", { class: isSlowest ? "bar slowest" : "bar" });
      bar.style.marginLeft = `${(100 * before) / Math.max(whole, 1e-9)}%`;
      bar.style.width = `${Math.max((100 * each.ms) / Math.max(whole, 1e-9), 0.4)}%`;
      before += each.ms;
      return element(
        "li",
        { title: explained[each.station] ?? "" },
        element("span", {}, each.station),
        element("span", { class: "lane" }, bar),
        element("span", { class: "number" }, `${ms(each.ms)} ms`),
      );
    });
    parts.push(
      element("h3", {}, `By ${way.peer}: ${ms(whole)} ms in all, medians of the latest ways`),
      element("ol", { class: "waterfall" }, ...bars),
    );
  }
  if (slowest.station !== "")
    parts.push(
      element(
        "p",
        { id: "slowest" },
        `Most of it, ${(100 * slowest.share).toFixed(0)} %, goes by at "${slowest.station}": ${explained[slowest.station] ?? ""}.`,
      ),
    );
  const own = times.filter((each) => each.name === "tandem_station_seconds" && each.minute.count > 0);
  parts.push(
    own.length === 0 ? element("p", {}, "Nothing has passed here within the last minute.") : stationTable(own),
  );
  place("stations").replaceChildren(...parts);
}

function stationTable(stations: readonly StationTimes[]): HTMLElement {
  return table(
    ["Station, last minute", "Peer", "Times", "p50, ms", "p90, ms", "p99, ms", "Longest, ms"],
    stations.map((each) => [
      each.station ?? "",
      each.peer ?? "",
      count(each.minute.count),
      ms(each.minute.p50_ms),
      ms(each.minute.p90_ms),
      ms(each.minute.p99_ms),
      ms(each.minute.max_ms),
    ]),
  );
}

const tracesShown = 5;

/** The latest changes that have a trace id, for whoever looks for one of them at several nodes. */
export function drawTraces({ traces }: Report): void {
  if (traces.length === 0) {
    place("traces").replaceChildren();
    return;
  }
  const rows = traces
    .slice(-tracesShown)
    .reverse()
    .map((each) => {
      const whole = each.spans.reduce((sum, span) => sum + span.ms, 0);
      const longest = each.spans.reduce((most, span) => (span.ms > most.ms ? span : most));
      return [
        element("code", {}, each.trace_id),
        each.peer,
        clockTime(each.end_ms),
        ms(whole),
        `${longest.station}, ${ms(longest.ms)}`,
      ];
    });
  place("traces").replaceChildren(table(["Trace", "By", "Merged at", "In all, ms", "Longest, ms"], rows));
}

export function drawActors({ actors }: Report): void {
  place("actors").replaceChildren(
    table(
      ["Actor", "Waiting", "Most ever", "Handled in a minute", "Work p50 / p99, ms", "Wait p99, ms", "Restarts"],
      actors.map((each) => [
        each.name,
        `${count(each.messages)} (${bytes(each.bytes)})`,
        count(each.messages_peak),
        count(each.handled.count),
        `${ms(each.handled.p50_ms)} / ${ms(each.handled.p99_ms)}`,
        ms(each.waited.p99_ms),
        each.restarts,
      ]),
    ),
  );
}

export function drawFigures({ database, process }: Report, priorities: Readonly<Record<string, string>>): void {
  const rows: [string, string][] = [
    ["Database", bytes(database.file_bytes)],
    ["Write-ahead log", `${bytes(database.wal_bytes)}, begun anew ${count(database.wal_resets)} times`],
    ["Log kept for peers", `${count(database.log_entries)} entries`],
    ["Not stamped yet", count(database.pending)],
    ["Room on the disk", bytes(database.disk_free_bytes)],
    ["Memory", bytes(process.resident_bytes)],
    ["Open files", count(process.open_files)],
    ...Object.entries(priorities).map(([name, priority]): [string, string] => [`Changes of ${name}`, priority]),
    ...process.threads.map((each): [string, string] => [`Processor, ${each.name}`, `${each.cpu_seconds.toFixed(1)} s`]),
  ];
  place("figures").replaceChildren(table(["", ""], rows));
}
