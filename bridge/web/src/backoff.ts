export interface BackoffOptions {
  readonly firstMs?: number;
  readonly mostMs?: number;
  readonly random?: () => number;
}

/** Waits that grow twofold, with jitter, so that a thousand pages do not come back in the same instant. */
export class Backoff {
  private attempts = 0;

  constructor(private readonly options: BackoffOptions = {}) {}

  /** Milliseconds until the next try. */
  next(): number {
    const { firstMs = 100, mostMs = 10_000, random = Math.random } = this.options;
    const whole = Math.min(mostMs, firstMs * 2 ** this.attempts++);
    return whole / 2 + (random() * whole) / 2;
  }

  reset(): void {
    this.attempts = 0;
  }
}
