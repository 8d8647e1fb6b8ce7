import uPlot from "uplot";
import { clockTime, ms, place } from "./dom";
import type { Report } from "./report";

const height = 180;

/** A chart over time that follows the width of its place and the colours of the page. */
class Chart {
  private plot: uPlot | null = null;

  constructor(
    private readonly id: string,
    private readonly names: readonly string[],
    private readonly colours: readonly string[],
  ) {
    new ResizeObserver(() => this.plot?.setSize({ width: place(id).clientWidth, height })).observe(place(id));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.plot?.destroy();
      this.plot = null;
    });
  }

  draw(data: uPlot.AlignedData): void {
    if (this.plot) {
      this.plot.setData(data);
      return;
    }
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const times = (_plot: uPlot, all: readonly number[]) => all.map((each) => clockTime(each * 1000));
    const axis = { stroke: ink, grid: { stroke: style.getPropertyValue("--line").trim(), width: 1 } };
    this.plot = new uPlot(
      {
        width: place(this.id).clientWidth,
        height,
        series: [
          { label: "Time", value: (_plot, at) => (at == null ? "–" : clockTime(at * 1000)) },
          ...this.names.map((label, index) => ({
            label,
            stroke: style.getPropertyValue(this.colours[index] ?? "--ink").trim(),
            value: (_plot: uPlot, at: number | null) => (at == null ? "–" : ms(at)),
            width: 2,
            points: { show: false },
          })),
        ],
        axes: [
          { ...axis, values: times, space: 80 },
          { ...axis, size: 60 },
        ],
        scales: { y: { range: (_plot, _low, high) => [0, Math.max(high ?? 0, 1) * 1.1] } },
      },
      data,
      place(this.id),
    );
  }
}

const throughput = new Chart("throughput", ["written here", "from peers"], ["--chart-here", "--chart-peers"]);
const latency = new Chart("latency", ["median", "99 %"], ["--chart-median", "--chart-most"]);

export function drawCharts({ history }: Report): void {
  const column = (index: number) => history.map((point) => point[index] ?? 0);
  const times = column(0).map((time) => time / 1000);
  throughput.draw([times, column(1), column(2)]);
  latency.draw([times, column(4), column(5)]);
}
