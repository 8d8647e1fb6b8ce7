import { TandemError } from "../errors";
import type { RequestOptions } from "./provider";

export const tooLate = (deadlineMs: number) => new TandemError("deadline", `no answer came within ${deadlineMs} ms`);

export function whyAborted({ reason }: AbortSignal): TandemError {
  return reason instanceof TandemError ? reason : new TandemError("cancelled", "the request was cancelled by the page");
}

/** The time that a caller gives to a whole piece of work, and the signal by which it may cancel it: one signal for every step. */
export class Patience {
  /** Rejects when it is over. */
  readonly over: Promise<never>;
  private readonly abort = new AbortController();
  private readonly timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: RequestOptions) {
    const { deadlineMs = 0, signal } = options;
    this.over = new Promise((_, reject) => {
      this.signal.addEventListener("abort", () => reject(whyAborted(this.signal)), { once: true });
    });
    this.over.catch(() => {}); // Nobody need wait for it.
    if (deadlineMs > 0) this.timer = setTimeout(() => this.abort.abort(tooLate(deadlineMs)), deadlineMs);
    if (signal?.aborted) this.cancel();
    else signal?.addEventListener("abort", this.cancel, { once: true });
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  end(): void {
    clearTimeout(this.timer);
    this.options.signal?.removeEventListener("abort", this.cancel);
  }

  private readonly cancel = () => {
    if (this.options.signal) this.abort.abort(whyAborted(this.options.signal));
  };
}
