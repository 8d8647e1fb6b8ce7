import { asTandemError, TandemError } from "../errors";
import { type ConnectionEvents, EventGate, type Transport } from "../transports/transport";
import { type BlockStore, openBlockStore } from "./block_store";
import { LocalNode, type LocalNodeOptions } from "./local_node";
import type { ModuleFactory } from "./module";
import type { Talk } from "./node_access";
import { Tab } from "./tab";

export interface LocalOptions extends LocalNodeOptions {
  /** Of the database, within this origin. */
  readonly database: string;
  /** The default export of `tandem.mjs`. */
  readonly module: ModuleFactory;
  /** The bytes of `tandem.wasm`; none: it is loaded from beside the script, or from where `locateFile` says. */
  readonly wasmBinary?: ArrayBuffer | Uint8Array;
  readonly locateFile?: (name: string) => string;
  /** Where the files are kept; IndexedDB if nothing is said. */
  readonly openStore?: (name: string) => Promise<BlockStore>;
}

/** To the node within the page, or within another tab of it. */
class LocalTransport implements Transport {
  readonly kind = "in_process";
  readonly name: string;

  constructor(
    private readonly tab: Tab,
    name: string,
  ) {
    this.name = `the page's own database ${name}`;
  }

  connect(_identity: unknown, events: ConnectionEvents) {
    const gate = new EventGate(events);
    let talk: Talk | null = null;
    this.tab.reach().then(
      (node) => {
        if (gate.isClosed) return;
        talk = node.connect({
          ready: () => gate.ready(),
          frame: (bytes) => gate.frame(bytes),
          closed: (reason) => gate.fail(reason),
        });
      },
      (reason) => gate.fail(asTandemError(reason)),
    );
    return {
      send: (frame: Uint8Array<ArrayBuffer>) => talk?.say(frame),
      close: () => {
        gate.shut();
        talk?.hangUp();
      },
    };
  }
}

/**
 * A database of the page's own: a whole replica that works without any node, is kept in the browser, and syncs with its peers whenever
 * they can be reached. All tabs work on it at once; the node runs in one of them (Web Locks), with the options of that one.
 */
export class LocalDatabase {
  private constructor(
    private readonly tab: Tab,
    private readonly name: string,
  ) {}

  static open(options: LocalOptions): LocalDatabase {
    const { database, module, openStore = openBlockStore, wasmBinary, locateFile, onLog } = options;
    const source = { ...(wasmBinary && { wasmBinary }), ...(locateFile && { locateFile }) };
    const tab = new Tab(database, async (onLost) => {
      const store = await openStore(database);
      if (store.whyNotDurable !== null)
        onLog?.("warning", `the page's own database is lost when this tab closes: ${store.whyNotDurable}`);
      try {
        return await LocalNode.open(module, source, store, options, onLost);
      } catch (reason) {
        store.close();
        throw reason;
      }
    });
    return new LocalDatabase(tab, database);
  }

  /** Null, or why what is written is lost when the tab closes in which the node runs. Known when a provider is open. */
  get whyNotDurable(): string | null {
    return this.tab.whyNotDurable;
  }

  /** A way to it, for `AdaptiveProvider` (`local`) and `switchTo`. */
  readonly transport = (): Transport => new LocalTransport(this.tab, this.name);

  /** A hash of all rows that sync: equal on replicas that have the same. */
  async digest(): Promise<string> {
    for (;;) {
      const node = await this.tab.reach();
      try {
        return await node.digest();
      } catch (reason) {
        // The tab that was asked has gone; the next one is.
        if (!(reason instanceof TandemError && reason.code === "network")) throw reason;
      }
    }
  }

  /**
   * Resolves when this tab has nothing to do with it any more; if the node ran here, all is kept and another tab may have it.
   * @throws TandemError `storage` if the browser could not keep what was written last. Nobody was told that it was.
   */
  close(): Promise<void> {
    return this.tab.close();
  }
}
