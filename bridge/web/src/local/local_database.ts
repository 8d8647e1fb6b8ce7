import { asTandemError, TandemError } from "../errors";
import { type ConnectionEvents, EventGate, type Transport } from "../transports/transport";
import { type BlockStore, openBlockStore } from "./block_store";
import { LocalNode, type LocalNodeOptions } from "./local_node";
import type { ModuleFactory } from "./module";
import type { Talk } from "./node_access";

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

/** To a node within the page. */
class LocalTransport implements Transport {
  readonly kind = "in_process";
  readonly name: string;

  constructor(
    private readonly node: Promise<LocalNode>,
    name: string,
  ) {
    this.name = `the page's own database ${name}`;
  }

  connect(_identity: unknown, events: ConnectionEvents) {
    const gate = new EventGate(events);
    let talk: Talk | null = null;
    this.node.then(
      (opened) => {
        if (gate.isClosed) return;
        talk = opened.connect({
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
 * they can be reached. One tab at a time owns it (Web Locks); others wait until that one closes.
 */
export class LocalDatabase {
  private constructor(
    private readonly node: Promise<LocalNode>,
    private readonly release: () => void,
    private readonly name: string,
  ) {}

  static open(options: LocalOptions): LocalDatabase {
    const { promise: released, resolve: release } = deferred();
    const node = owned(options.database, released).then(async () => {
      try {
        const store = await (options.openStore ?? openBlockStore)(options.database);
        const { wasmBinary, locateFile } = options;
        const source = { ...(wasmBinary && { wasmBinary }), ...(locateFile && { locateFile }) };
        return await LocalNode.open(options.module, source, store, options, () => lose());
      } catch (reason) {
        release();
        throw reason;
      }
    });
    const lose = () =>
      void node.then((lost) => lost.drop(new TandemError("storage", "another tab has taken what this page keeps")));
    node.catch(() => {}); // Whoever uses it hears of it.
    return new LocalDatabase(node, release, options.database);
  }

  /** A way to it, for `AdaptiveProvider` (`local`) and `switchTo`. */
  readonly transport = (): Transport => new LocalTransport(this.node, this.name);

  /** A hash of all rows that sync: equal on replicas that have the same. */
  async digest(): Promise<string> {
    return (await this.node).digest();
  }

  /** Resolves when all is kept and another tab may have it. */
  async close(): Promise<void> {
    await this.node.then((node) => node.close()).finally(this.release);
  }
}

/** Resolves when this tab owns the database, until `released`. Without Web Locks there is nobody to share with. */
function owned(name: string, released: Promise<void>): Promise<void> {
  const locks = globalThis.navigator?.locks;
  if (!locks) return Promise.resolve();
  return new Promise((resolve, reject) => {
    locks
      .request(`tandem ${name}`, () => {
        resolve();
        return released;
      })
      .catch(reject);
  });
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
