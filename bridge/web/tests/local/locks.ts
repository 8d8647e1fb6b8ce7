interface Asked {
  readonly run: () => Promise<unknown>;
  settle(result: Promise<unknown>): void;
  fail(reason: unknown): void;
}

/** Web Locks as far as names, aborting and stealing go; Node has none. */
export class Locks {
  private readonly held = new Map<string, Asked>();
  private readonly waiting = new Map<string, Asked[]>();

  request(name: string, ...given: unknown[]): Promise<unknown> {
    const callback = given.at(-1) as () => Promise<unknown>;
    const { signal, steal } = (given.length > 1 ? given[0] : {}) as { signal?: AbortSignal; steal?: boolean };
    return new Promise((resolve, reject) => {
      const asked: Asked = { run: async () => callback(), settle: resolve, fail: reject };
      const queue = this.waiting.get(name) ?? [];
      this.waiting.set(name, queue);
      if (steal) {
        this.held.get(name)?.fail(new DOMException("stolen", "AbortError"));
        this.held.delete(name);
        queue.unshift(asked);
      } else queue.push(asked);
      const abort = () => {
        const at = queue.indexOf(asked);
        if (at < 0) return;
        queue.splice(at, 1);
        reject(new DOMException("aborted", "AbortError"));
      };
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort);
      this.next(name);
    });
  }

  isHeld(name: string): boolean {
    return this.held.has(name);
  }

  /** A browser grants them in a turn of its own. */
  private next(name: string): void {
    setTimeout(() => {
      if (this.held.has(name)) return;
      const asked = this.waiting.get(name)?.shift();
      if (!asked) return;
      this.held.set(name, asked);
      const result = asked.run();
      asked.settle(result);
      const over = () => {
        if (this.held.get(name) === asked) this.held.delete(name);
        this.next(name);
      };
      result.then(over, over);
    }, 0);
  }
}
