import type { Json } from "./json";

/** What a node says about itself, as far as it matters here. */
interface Status {
  readonly head?: number;
  readonly pending?: number;
  readonly peers?: readonly { readonly site: string; readonly acknowledged: number }[];
  readonly links?: readonly { readonly site: string; readonly state: string }[];
}

/** How many changes a node's peers have not acknowledged: those it is linked with, or all that it knows where there is none. */
export function unacknowledged(status: Json): number {
  const { head = 0, pending = 0, peers = [], links = [] } = status as Status;
  const linked = peers.filter(({ site }) => links.some((link) => link.site === site && link.state === "linked"));
  const counted = linked.length > 0 ? linked : peers;
  const least = Math.min(...counted.map(({ acknowledged }) => acknowledged));
  return pending + (counted.length > 0 ? Math.max(head - least, 0) : head);
}

/** Whether the page's own database may be left: elsewhere what was written in it would be missing until its peers have it. */
export class Levelling {
  private least = Number.POSITIVE_INFINITY;
  private since = Date.now();

  /** Where so long nothing gets on, the better way is worth more than what it lacks for a while. */
  constructor(private readonly patienceMs: number) {}

  /** `count`: of changes not acknowledged; null: the node did not say. */
  look(count: number | null): { readonly mayLeave: boolean; readonly reason: string } {
    if (count === 0)
      return { mayLeave: true, reason: "its peers have all that was written in the page's own database" };
    if (count !== null && count < this.least) {
      this.since = Date.now();
      this.least = count;
    }
    const reason = `${count ?? "unknown"} changes of the page's own database are not acknowledged by its peers yet`;
    if (Date.now() - this.since < this.patienceMs) return { mayLeave: false, reason };
    return { mayLeave: true, reason: `${reason}, and for ${this.patienceMs / 1_000} s none has been` };
  }
}
