import { type Provider, SyncManager, type SyncManagerOptions, WebSocketProvider } from "../src";

const backoff = { firstMs: 10, mostMs: 50 };

/** A page: its provider and its manager, which go when it is closed or loaded anew. */
export class Tab {
  private constructor(
    readonly manager: SyncManager,
    readonly provider: Provider,
  ) {}

  static async open(url: string, name: string, options: SyncManagerOptions = {}): Promise<Tab> {
    const provider = new WebSocketProvider(url, { backoff });
    return new Tab(await SyncManager.open(provider, { name, shownMs: 50, ...options }), provider);
  }

  close(): void {
    this.manager.close();
    this.provider.close();
  }
}

/** Web Locks as far as one name and an abort go; Node has none. */
export class Locks {
  private order: Promise<unknown> = Promise.resolve();
  request(_name: string, { signal }: { signal: AbortSignal }, held: () => Promise<void>): Promise<unknown> {
    const turn = this.order.then(() => (signal.aborted ? undefined : held()));
    this.order = turn;
    return turn;
  }
}
