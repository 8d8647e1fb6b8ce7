import uPlot from "uplot";
import { place } from "./dom";
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
    const axis = { stroke: ink, grid: { stroke: style.getPropertyValue("--line").trim(), width: 1 } };
    this.plot = new uPlot(
      {
        width: place(this.id).clientWidth,
        height,
        series: [
          {},
          ...this.names.map((label, index) => ({
            label,
            stroke: this.colours[index] ?? ink,
            width: 2,
            points: { show: false },
          })),
        ],
        axes: [axis, { ...axis, size: 60 }],
        scales: { y: { range: (_plot, _low, high) => [0, Math.max(high ?? 0, 1) * 1.1] } },
      },
      data,
      place(this.id),
    );
  }
}

const throughput = new Chart("throughput", ["written here", "from peers"], ["#0b7285", "#e8590c"]);
const latency = new Chart("latency", ["median", "99 %"], ["#2f9e44", "#c2255c"]);

export function drawCharts({ history }: Report): void {
  const column = (index: number) => history.map((point) => point[index] ?? 0);
  const times = column(0).map((time) => time / 1000);
  throughput.draw([times, column(1), column(2)]);
  latency.draw([times, column(4), column(5)]);
}
