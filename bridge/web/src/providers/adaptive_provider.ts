import {
  choose,
  detectEnvironment,
  type Environment,
  type EnvironmentKind,
  type EnvironmentOptions,
  environmentKinds,
  type Finding,
  medianPing,
  probe,
  transportTo,
  whyNotHere,
} from "../environment";
import { asTandemError } from "../errors";
import { notify } from "../notify";
import type { SessionState } from "../session";
import { Levelling, unacknowledged } from "./levelling";
import { SwitchingProvider } from "./node_provider";

export interface AdaptiveOptions extends EnvironmentOptions {
  /** While a better way than the one in use may come back, it is looked for so often. */
  readonly recheckMs?: number;
  /** A database within the page (`local`) is left when its peers have all that was written there, or when for so long nothing of it got on. */
  readonly levelMs?: number;
}

const defaultRecheckMs = 30_000;
const defaultProbeMs = 1_500;
const defaultLevelMs = 60_000;
/** Between two looks whether the peers have all. */
const levelPauseMs = 300;
/** Lost connections in a row before another way is looked for. */
const failuresMax = 2;
/** A way that lets probes through and breaks in use is passed over for longer each time, up to this. */
const suspectMsMax = 1_800_000;

/**
 * Takes the best way there is, and another one when that fails or a better one comes back. What is under way goes on: live
 * queries stay, and unanswered writes are asked again under their names, so that each is done once.
 */
export class AdaptiveProvider extends SwitchingProvider {
  private current: Environment;
  private kind: EnvironmentKind;
  private forced: EnvironmentKind | null;
  private checking: Promise<void> | null = null;
  private levelling: Levelling | null = null;
  private last: SessionState;
  /** Ways that break under what this page does, though they answer a probe: how often they did, and until when they count as not there. */
  private readonly suspects = new Map<EnvironmentKind, { readonly times: number; readonly untilMs: number }>();
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly environmentListeners = new Set<(environment: Environment) => void>();

  /** Looks first what is here. @throws TandemError `usage` if no way can be here at all. */
  static async open(options: AdaptiveOptions = {}): Promise<AdaptiveProvider> {
    const environment = await detectEnvironment(options);
    const possible = options.forced ?? environmentKinds.find((kind) => !whyNotHere(kind, options)) ?? "websocket";
    return new AdaptiveProvider(environment, environment.chosen ?? possible, options);
  }

  private constructor(
    found: Environment,
    kind: EnvironmentKind,
    private readonly choices: AdaptiveOptions,
  ) {
    super(transportTo(kind, choices), choices);
    this.current = found;
    this.kind = kind;
    this.forced = choices.forced ?? null;
    this.last = this.state;
    this.onState((state) => this.look(state));
    this.timer = setInterval(() => {
      if (!this.isBest()) void this.recheck();
    }, choices.recheckMs ?? defaultRecheckMs);
  }

  get environment(): Environment {
    return this.current;
  }

  /** Calls back when something else was found or chosen. */
  onEnvironment(listener: (environment: Environment) => void): () => void {
    this.environmentListeners.add(listener);
    return () => this.environmentListeners.delete(listener);
  }

  /** Takes that way and keeps to it; null: the best again. @throws TandemError `usage` if it can't be here. */
  async force(kind: EnvironmentKind | null): Promise<void> {
    if (kind) this.go(kind);
    this.forced = kind;
    await this.checking;
    await this.recheck();
  }

  /** Looks again what is here, and takes the best. */
  recheck(): Promise<void> {
    this.checking ??= this.check().finally(() => {
      this.checking = null;
    });
    return this.checking;
  }

  override close(): void {
    clearInterval(this.timer);
    super.close();
  }

  private async check(): Promise<void> {
    let isLeaving = true;
    while (isLeaving && !this.isOver()) {
      const { kind, forced } = this;
      const found = choose(await this.findings(), forced);
      isLeaving = kind === "local" && !forced && found.chosen !== null && found.chosen !== kind;
      const next = isLeaving ? await this.levelled(found) : found;
      if (!isLeaving) this.levelling = null;
      if (this.isOver() || this.kind !== kind || this.forced !== forced) return;
      this.current = next;
      if (next.chosen && next.chosen !== kind) {
        isLeaving = false;
        this.go(next.chosen);
      }
      notify(this.environmentListeners, next);
      if (isLeaving) await new Promise((resolve) => setTimeout(resolve, levelPauseMs));
    }
  }

  /** What is here. Ways under suspicion are not even tried, unless there is no other. */
  private async findings(): Promise<readonly Finding[]> {
    const found = await Promise.all(environmentKinds.map((kind) => this.finding(kind)));
    if (this.suspects.size === 0 || found.some(({ works }) => works)) return found;
    this.suspects.clear();
    return this.findings();
  }

  private finding(kind: EnvironmentKind): Promise<Finding> | Finding {
    if (kind === this.kind) return this.findingInUse();
    const restMs = (this.suspects.get(kind)?.untilMs ?? 0) - Date.now();
    if (restMs <= 0 || kind === this.forced) return probe(kind, this.choices);
    const reason = `${kind}: it breaks under what this page does; tried again in ${Math.ceil(restMs / 1_000)} s`;
    return { kind, works: false, pingMs: null, reason };
  }

  /** The better way if the page's own database may be left for it, else that one still, and why. */
  private async levelled(better: Environment): Promise<Environment> {
    const { probeMs = defaultProbeMs, levelMs = defaultLevelMs } = this.choices;
    this.levelling ??= new Levelling(levelMs);
    const count = await this.ask("status", {}, { deadlineMs: probeMs }).then(unacknowledged, () => null);
    const { mayLeave, reason } = this.levelling.look(count);
    return { ...better, chosen: mayLeave ? better.chosen : "local", reason: `${better.reason}; ${reason}` };
  }

  private isOver(): boolean {
    return this.state.phase === "closed";
  }

  private go(kind: EnvironmentKind): void {
    const transport = transportTo(kind, this.choices);
    this.kind = kind;
    this.levelling = null;
    this.switchTo(transport);
  }

  private isBest(): boolean {
    const best = this.forced ?? environmentKinds.find((kind) => !whyNotHere(kind, this.choices));
    return this.kind === best && this.state.phase === "open";
  }

  private look(state: SessionState): void {
    const { last } = this;
    this.last = state;
    if (state.phase !== "waiting") return;
    // It came about, after another had failed, and did not last.
    if (last.phase === "open" && last.failures > 0) this.suspect(this.kind);
    if (state.failures >= failuresMax) void this.recheck();
  }

  private suspect(kind: EnvironmentKind): void {
    const before = this.suspects.get(kind);
    // Until another way is found it may break some more times.
    const restedMs = Date.now() - (before?.untilMs ?? 0);
    if (restedMs < 0) return;
    const times = before && restedMs < suspectMsMax ? before.times + 1 : 1;
    const forMs = Math.min((this.choices.recheckMs ?? defaultRecheckMs) * 2 ** times, suspectMsMax);
    this.suspects.set(kind, { times, untilMs: Date.now() + forMs });
  }

  /** By its own session: another one would say whether the way works, not whether this conversation does. */
  private async findingInUse(): Promise<Finding> {
    const kind = this.kind;
    const { phase, reason } = this.state;
    if (phase !== "open" && phase !== "connecting")
      return { kind, works: false, pingMs: null, reason: `${kind}: ${reason?.message ?? "not connected yet"}` };
    try {
      const pingMs = await medianPing(this, this.choices.probeMs ?? defaultProbeMs);
      return { kind, works: true, pingMs, reason: `${kind} is in use and answers in ${pingMs.toFixed(1)} ms` };
    } catch (failure) {
      return { kind, works: false, pingMs: null, reason: `${kind}: ${asTandemError(failure).message}` };
    }
  }
}
