/** Of all tabs that ask for one lock, one leads; when it closes or is frozen, the next one does. */
export class Leadership {
  /** Ends what this tab has asked for: its place in the queue, or the lead. */
  private stop: (() => void) | null = null;
  private readonly freeze = () => this.give();
  private readonly resume = () => this.ask();

  /** `onLead` is called each time this tab begins or ceases to lead. */
  constructor(
    private readonly lock: string,
    private readonly onLead: (leads: boolean) => void,
  ) {
    globalThis.document?.addEventListener("freeze", this.freeze);
    globalThis.document?.addEventListener("resume", this.resume);
    this.ask();
  }

  /** Whether tabs can know of each other at all: a browser has Web Locks only for pages that came safely, by https or from this machine. */
  static get isPossible(): boolean {
    return Boolean(globalThis.navigator?.locks);
  }

  /** A tab stands in the queue once at most: else it would be the next one after itself. */
  ask(): void {
    if (!this.stop) this.request(false);
  }

  /** Gives the lead away, or the place in the queue. */
  give(): void {
    const stop = this.stop;
    this.stop = null;
    stop?.();
  }

  /** Takes the lead from whoever has it. That tab hears of it when it comes to hear anything: until then it believes to lead. */
  steal(): void {
    this.give();
    this.request(true);
  }

  close(): void {
    globalThis.document?.removeEventListener("freeze", this.freeze);
    globalThis.document?.removeEventListener("resume", this.resume);
    this.give();
  }

  private request(steals: boolean): void {
    const abort = new AbortController();
    let stop = () => abort.abort();
    let hasLed = false;
    this.stop = stop;
    const lead = () =>
      new Promise<void>((resolve) => {
        if (abort.signal.aborted) return resolve();
        hasLed = true;
        stop = () => {
          this.onLead(false);
          resolve();
        };
        this.stop = stop;
        this.onLead(true);
      });
    if (!Leadership.isPossible) {
      queueMicrotask(lead); // Nobody else can be asked.
      return;
    }
    navigator.locks.request(this.lock, steals ? { steal: true } : { signal: abort.signal }, lead).catch(() => {
      if (this.stop !== stop) return; // By `give`.
      if (!hasLed) return void lead(); // Refused: a page without an origin shares nothing with anybody.
      this.give(); // It was stolen.
      this.ask();
    });
  }
}
