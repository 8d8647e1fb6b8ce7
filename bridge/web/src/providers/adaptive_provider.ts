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
import type { SessionState } from "../session";
import { SwitchingProvider } from "./node_provider";

export interface AdaptiveOptions extends EnvironmentOptions {
  /** While a better way than the one in use may come back, it is looked for so often. */
  readonly recheckMs?: number;
}

const defaultRecheckMs = 30_000;
const defaultProbeMs = 1_500;
/** Lost connections in a row before another way is looked for. */
const failuresMax = 2;

/**
 * Takes the best way there is, and another one when that fails or a better one comes back. What is under way goes on: live
 * queries stay, and unanswered writes are asked again under their names, so that each is done once.
 */
export class AdaptiveProvider extends SwitchingProvider {
  private current: Environment;
  private kind: EnvironmentKind;
  private forced: EnvironmentKind | null;
  private isChecking = false;
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
    await this.recheck();
  }

  /** Looks again what is here, and takes the best. */
  async recheck(): Promise<void> {
    if (this.isChecking || this.state.phase === "closed") return;
    this.isChecking = true;
    try {
      const findings = await Promise.all(
        environmentKinds.map((kind) => (kind === this.kind ? this.findingInUse() : probe(kind, this.choices))),
      );
      if (this.isOver()) return;
      this.current = choose(findings, this.forced);
      if (this.current.chosen && this.current.chosen !== this.kind) this.go(this.current.chosen);
      for (const listener of [...this.environmentListeners]) listener(this.current);
    } finally {
      this.isChecking = false;
    }
  }

  override close(): void {
    clearInterval(this.timer);
    super.close();
  }

  private isOver(): boolean {
    return this.state.phase === "closed";
  }

  private go(kind: EnvironmentKind): void {
    const transport = transportTo(kind, this.choices);
    this.kind = kind;
    this.switchTo(transport);
  }

  private isBest(): boolean {
    const best = this.forced ?? environmentKinds.find((kind) => !whyNotHere(kind, this.choices));
    return this.kind === best && this.state.phase === "open";
  }

  private look(state: SessionState): void {
    if (state.phase === "waiting" && state.failures >= failuresMax) void this.recheck();
  }

  /** A WebView has one session at a time: the way in use is asked by its own. */
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
