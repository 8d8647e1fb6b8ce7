import { NodeProvider } from "../providers/node_provider";
import type { SessionOptions } from "../session";
import { LocalDatabase, type LocalOptions } from "./local_database";

/** A database of the page's own, reached by a session of its own. */
export class LocalProvider extends NodeProvider {
  private constructor(
    private readonly database: LocalDatabase,
    options: SessionOptions,
  ) {
    super(database.transport(), options);
  }

  static open(options: LocalOptions, session: SessionOptions = {}): LocalProvider {
    return new LocalProvider(LocalDatabase.open(options), session);
  }

  /** Null, or why what is written is lost when the tab closes in which the node runs. Known when this is open. */
  get whyNotDurable(): string | null {
    return this.database.whyNotDurable;
  }

  /** A hash of all rows that sync: equal on replicas that have the same. */
  digest(): Promise<string> {
    return this.database.digest();
  }

  /** Ends the conversation, and the node if it runs in this tab; resolves when all is kept and another tab may have it. */
  async shutDown(): Promise<void> {
    super.close();
    await this.database.close();
  }

  override close(): void {
    void this.shutDown().catch(() => {});
  }
}
