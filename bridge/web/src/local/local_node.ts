import { asTandemError, TandemError } from "../errors";
import type { BlockStore } from "./block_store";
import { Keeper } from "./keeper";
import { KeptFiles } from "./kept_files";
import { type ModuleFactory, type ModuleHost, type NodeModule, withBytes, withText } from "./module";
import type { NodeAccess, PageLine, Talk } from "./node_access";

export interface LocalNodeOptions {
  /** SQL that creates the app's tables, with IF NOT EXISTS; none: those of the hub are taken over. */
  readonly schema?: string;
  /** Which of them sync. */
  readonly tables?: readonly string[];
  /** WebSocket addresses of hubs. */
  readonly peers?: readonly string[];
  /** What hubs ask for that were started with `--token-file`. Whoever can read this page's script can read it, too. */
  readonly token?: string;
  /** What the node calls itself. */
  readonly name?: string;
  /** Who settles conflicts here. */
  readonly user?: string;
  readonly onLog?: (level: "debug" | "info" | "warning" | "error", text: string) => void;
}

const folder = "/kept";
const levels = ["debug", "info", "warning", "error"] as const;
const subprotocol = "tandem.1";
/**
 * A node within the page. Whatever it says to anybody, page or hub, leaves only after what it had written before is on disk: so a
 * crash can't make it forget what others know.
 */
export class LocalNode implements NodeAccess {
  private readonly lines = new Map<number, PageLine>();
  private readonly sockets = new Map<number, WebSocket>();
  private readonly keeper: Keeper;
  private lastLine = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly turns = new MessageChannel();
  private isTurnOrdered = false;
  private isRunning = false;
  private isOver = false;

  private constructor(
    private readonly module: NodeModule,
    files: KeptFiles,
    private readonly store: BlockStore,
    onLog: LocalNodeOptions["onLog"],
    onLost: () => void,
  ) {
    this.keeper = new Keeper(files, store, {
      stuck: (trouble) => {
        onLog?.("error", trouble.message);
        this.endTalks(trouble);
      },
      freed: () => onLog?.("info", "the browser lets this page keep what it writes again"),
      lost: onLost,
    });
    this.turns.port1.onmessage = () => {
      this.isTurnOrdered = false;
      this.run();
    };
  }

  /** `onLost` is called when the store is another's: then the node has to be dropped. @throws TandemError if the module or the database can't be opened. */
  static async open(
    factory: ModuleFactory,
    source: { wasmBinary?: ArrayBuffer | Uint8Array; locateFile?: (name: string) => string },
    store: BlockStore,
    options: LocalNodeOptions,
    onLost: () => void,
  ): Promise<LocalNode> {
    let node: LocalNode | null = null;
    const own = () => node as LocalNode;
    const host: ModuleHost = {
      dial: (number, url, token) => own().dial(number, url, token),
      send: (number, bytes) => own().send(number, bytes),
      unsent: (number) => own().sockets.get(number)?.bufferedAmount ?? 0,
      close: (number) => own().keeper.leave(() => own().closeHere(number)),
      say: (level, text) => options.onLog?.(levels[level] ?? "error", text),
    };
    const module = await factory({ ...source, host });
    const files = new KeptFiles(module.FS, folder);
    files.start(await store.load());
    node = new LocalNode(module, files, store, options.onLog, onLost);
    const { schema = "", tables = [], peers = [], user = "", token = "", name } = options;
    const given = JSON.stringify({ schema, tables, peers, user, token, ...(name === undefined ? {} : { name }) });
    const trouble = withText(module, `${folder}/page.db`, (path) =>
      withText(module, given, (text) => module.UTF8ToString(module._tandem_open(path, text))),
    );
    if (trouble !== "") throw new TandemError("schema", trouble);
    node.run();
    return node;
  }

  get owner(): number {
    return this.store.owner;
  }

  get whyNotDurable(): string | null {
    return this.store.whyNotDurable;
  }

  connect(line: PageLine): Talk {
    const refusal = this.isOver ? new TandemError("network", "the page's own node has ended") : this.keeper.trouble;
    if (refusal) {
      queueMicrotask(() => line.closed(refusal));
      return { say: () => {}, hangUp: () => {} };
    }
    this.lastLine += 2;
    const number = this.lastLine;
    this.lines.set(number, line);
    this.module._tandem_open_page(number);
    this.run();
    queueMicrotask(() => this.lines.get(number)?.ready());
    return {
      say: (bytes) => this.say(number, bytes),
      hangUp: () => {
        if (this.lines.delete(number)) this.closed(number, "the page hung up");
      },
    };
  }

  async digest(): Promise<string> {
    return this.module.UTF8ToString(this.module._tandem_digest());
  }

  /** Goes on with what is due, where the browser lets this tab's own timers wait. */
  wake(): void {
    this.runSoon();
  }

  /**
   * Ends in order: nothing is lost without it, but hubs see the link break.
   * @throws TandemError `storage` if something could not be kept. Nobody has heard that it was.
   */
  async close(): Promise<void> {
    this.module._tandem_stop();
    while (this.module._tandem_has_ended() === 0 && !this.isOver) {
      this.run();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await this.keeper.kept().finally(() => this.drop(new TandemError("network", "the page's own node was closed")));
  }

  /** Ends at once, as by a crash: what is not kept yet never is, and nobody has heard of it. */
  drop(reason: TandemError): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    this.turns.port1.close();
    this.keeper.end();
    for (const socket of this.sockets.values()) socket.close();
    this.store.close();
    this.endTalks(reason);
  }

  private endTalks(reason: TandemError): void {
    const lines = [...this.lines];
    this.lines.clear();
    for (const [number, line] of lines) {
      line.closed(reason);
      this.closed(number, reason.message);
    }
  }

  private say(number: number, bytes: Uint8Array): void {
    if (!this.lines.has(number)) return;
    withBytes(this.module, bytes, (pointer) => this.module._tandem_came(number, pointer, bytes.length));
    this.runSoon();
  }

  /** In a turn of its own: what the page asks for at once is done, and kept, together; what it cancels at once is not begun. */
  private runSoon(): void {
    if (this.isTurnOrdered || this.isOver) return;
    this.isTurnOrdered = true;
    this.turns.port2.postMessage(null);
  }

  private readonly run = (): void => {
    if (this.isOver || this.isRunning) return;
    clearTimeout(this.timer);
    this.isRunning = true;
    try {
      const waitMs = this.module._tandem_run();
      if (waitMs >= 0) this.timer = setTimeout(this.run, waitMs);
    } finally {
      this.isRunning = false;
    }
    this.keeper.flush();
  };

  private send(number: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.keeper.leave(() => {
      const socket = this.sockets.get(number);
      if (socket?.readyState === WebSocket.OPEN) socket.send(bytes);
      else this.lines.get(number)?.frame(bytes);
    });
  }

  private closeHere(number: number): void {
    const line = this.lines.get(number);
    this.lines.delete(number);
    line?.closed(new TandemError("network", "the page's own node closed the conversation"));
    this.sockets.get(number)?.close();
    this.sockets.delete(number);
  }

  private dial(number: number, url: string, token: string): void {
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, token === "" ? [subprotocol] : [subprotocol, tokenSubprotocol(token)]);
    } catch (reason) {
      const { message } = asTandemError(reason);
      setTimeout(() => this.closed(number, message), 0);
      return;
    }
    socket.binaryType = "arraybuffer";
    this.sockets.set(number, socket);
    socket.onopen = () => {
      if (this.isOver) return;
      this.module._tandem_socket_opened(number);
      this.run();
    };
    socket.onmessage = ({ data }: MessageEvent) => {
      if (!(data instanceof ArrayBuffer) || this.isOver) return;
      withBytes(this.module, new Uint8Array(data), (pointer) =>
        this.module._tandem_came(number, pointer, data.byteLength),
      );
      this.run();
    };
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) => {
      this.sockets.delete(number);
      this.closed(number, `the WebSocket to ${url} ended (${code})${reason ? `: ${reason}` : ""}`);
    };
  }

  private closed(number: number, why: string): void {
    if (this.isOver) return;
    withText(this.module, why, (text) => this.module._tandem_closed(number, text));
    this.run();
  }
}

/** The only header in which a browser lets a page show something: docs/protocol.md. */
function tokenSubprotocol(token: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  return `tandem.token.${btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=*$/, "")}`;
}
