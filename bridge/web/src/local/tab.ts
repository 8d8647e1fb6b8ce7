import { asTandemError, TandemError } from "../errors";
import { Leadership } from "../leadership";
import { DistantNode } from "./distant_node";
import type { LocalNode } from "./local_node";
import type { NodeAccess } from "./node_access";
import { OwnerWatch } from "./owner_watch";
import { share } from "./share";
import { asTabMessage, databaseName, type TabMessage } from "./tab_messages";

/** Opens the node in this tab; `onLost` when another one has taken its store. */
export type NodeOpener = (onLost: () => void) => Promise<LocalNode>;

/**
 * One tab among those with the same database. Of all of them one owns it and has the node; the others reach that node through it. When
 * the owner goes, is frozen, or does not answer, the next one opens the node. Two may believe to be the owner for a while: the store
 * takes what the later one writes, and of nodes that are heard of the later one counts.
 */
export class Tab {
  private readonly channel: BroadcastChannel;
  private readonly leadership: Leadership;
  private readonly watch = new OwnerWatch(
    () => this.tell({ kind: "who" }),
    () => this.leadership.steal(),
  );
  private readonly turns = new MessageChannel();
  private found = deferred<NodeAccess>();
  /** The node, if it is known where it is. */
  private node: NodeAccess | null = null;
  private own: LocalNode | null = null;
  private distant: DistantNode | null = null;
  /** Of what was heard or opened. */
  private latestOwner = 0;
  private leads = false;
  private opening: Promise<void> = Promise.resolve();
  private closing: Promise<void> | null = null;
  /** Counts what makes an opening that is under way futile. */
  private turn = 0;
  /** Why this tab can't take part any more, if so. */
  private exclusion: TandemError | null = null;

  constructor(
    private readonly database: string,
    private readonly openNode: NodeOpener,
  ) {
    this.channel = new BroadcastChannel(databaseName(database));
    this.channel.onmessage = ({ data }) => this.hear(asTabMessage(data));
    this.turns.port1.onmessage = () => this.answer();
    this.leadership = new Leadership(databaseName(database), (leads) => this.lead(leads));
    this.join();
  }

  get whyNotDurable(): string | null {
    return this.node?.whyNotDurable ?? null;
  }

  /** Resolves when there is a node. @throws TandemError if this tab should have opened it, and could not. */
  reach(): Promise<NodeAccess> {
    if (this.exclusion) return Promise.reject(this.exclusion);
    this.join();
    return this.found.promise;
  }

  /** @throws TandemError `storage` if something could not be kept. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    await this.opening; // Its store would come after the next owner's.
    const { own } = this;
    this.own = null;
    this.find(null);
    try {
      await own?.close();
    } finally {
      this.leave(new TandemError("closed", "this database was closed"));
    }
  }

  private leave(reason: TandemError): void {
    if (this.exclusion) return;
    this.exclusion = reason;
    this.leadership.close();
    this.watch.stop();
    this.distant?.end(reason);
    this.channel.close();
    this.turns.port1.close();
    this.fail(reason);
  }

  /** Stands in the queue for the database, and looks meanwhile for who has it. */
  private join(): void {
    this.leadership.ask();
    if (!this.leads) this.look();
  }

  private look(): void {
    this.watch.start();
    if (!this.node) this.tell({ kind: "who" });
  }

  private lead(leads: boolean): void {
    this.leads = leads;
    this.turn++;
    this.find(null);
    if (leads) {
      this.watch.stop();
      this.follow(null);
      this.opening = this.open(this.turn);
    } else {
      this.own?.drop(new TandemError("network", "this tab has given the page's own database to another one"));
      this.own = null;
      this.look();
    }
  }

  private async open(turn: number): Promise<void> {
    try {
      const node = await this.openNode(() => this.lose());
      if (turn !== this.turn) return node.drop(new TandemError("network", "another tab came first"));
      this.own = node;
      this.latestOwner = node.owner;
      this.find(node);
      this.announce(node);
    } catch (reason) {
      if (turn !== this.turn) return;
      // Others may be able to. Whoever asks next makes this tab try again.
      this.leadership.give();
      this.watch.stop();
      this.fail(asTandemError(reason));
    }
  }

  /** Another tab has taken the database. */
  private lose(): void {
    if (Leadership.isPossible) {
      this.leadership.give();
      this.leadership.ask();
      return;
    }
    this.leave(
      new TandemError(
        "storage",
        "another tab has opened this page's own database; without Web Locks, which browsers have for pages by https, tabs can't share it: close the other one and load this page again",
      ),
    );
  }

  // --- what other tabs say ---------------------------------------------------------------------

  private hear(message: TabMessage | null): void {
    switch (message?.kind) {
      case "who":
        // Channels are heard in a frozen tab too, but nothing else goes on there: so that is no sign of life, a turn is.
        if (this.leads) this.turns.port2.postMessage(null);
        break;
      case "opening":
        this.watch.heard();
        break;
      case "here":
        this.hearOwner(message.owner, message.whyNotDurable);
        break;
      case "call":
        if (this.own?.owner === message.owner) share(this.own, this.database, message.conversation);
        break;
      case "ask_digest":
        if (this.own?.owner === message.owner) void this.tellDigest(this.own, message.question);
        break;
      case "digest":
        this.distant?.answered(message.question, message.digest);
        break;
    }
  }

  /** An owner that was frozen may go on for a moment, and answer what was asked long ago. */
  private hearOwner(owner: number, whyNotDurable: string | null): void {
    if (owner < this.latestOwner) return;
    if (this.own && owner > this.own.owner) this.lose();
    if (this.leads || this.exclusion) return;
    this.watch.heard();
    if (owner === this.distant?.owner) return;
    this.latestOwner = owner;
    this.follow(new DistantNode(this.database, owner, whyNotDurable, (message) => this.tell(message)));
  }

  private follow(distant: DistantNode | null): void {
    this.distant?.end(new TandemError("network", "another tab has taken the page's own database over"));
    this.distant = distant;
    this.find(distant);
  }

  private async tellDigest(node: LocalNode, question: string): Promise<void> {
    this.tell({ kind: "digest", question, digest: await node.digest() });
  }

  private answer(): void {
    if (this.own) {
      this.announce(this.own);
      this.own.wake();
    } else if (this.leads) this.tell({ kind: "opening" });
  }

  private announce({ owner, whyNotDurable }: LocalNode): void {
    this.tell({ kind: "here", owner, whyNotDurable });
  }

  private tell(message: TabMessage): void {
    if (!this.exclusion) this.channel.postMessage(message);
  }

  // --- who waits for a node in this tab ----------------------------------------------------------

  private find(node: NodeAccess | null): void {
    if (this.node) this.found = deferred();
    this.node = node;
    if (node) this.found.resolve(node);
  }

  private fail(reason: TandemError): void {
    this.find(null);
    this.found.reject(reason);
    this.found = deferred();
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>["resolve"] = () => {};
  let reject: Deferred<T>["reject"] = () => {};
  const promise = new Promise<T>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  promise.catch(() => {}); // Whoever waits hears of it.
  return { promise, resolve, reject };
}
