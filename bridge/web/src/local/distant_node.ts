import { TandemError } from "../errors";
import { randomId } from "../ids";
import type { NodeAccess, PageLine, Talk } from "./node_access";
import { asData, asFrame, asTalkMessage, type TabMessage, talkName } from "./tab_messages";

/** The node in another tab. */
export class DistantNode implements NodeAccess {
  /** Each ends one conversation. */
  private readonly ends = new Set<(reason: TandemError | null) => void>();
  private readonly questions = new Map<string, { resolve(digest: string): void; reject(reason: TandemError): void }>();

  constructor(
    private readonly database: string,
    readonly owner: number,
    readonly whyNotDurable: string | null,
    private readonly tell: (message: TabMessage) => void,
  ) {}

  connect(line: PageLine): Talk {
    const conversation = randomId();
    const name = talkName(this.database, conversation);
    const channel = new BroadcastChannel(name);
    let letGo = () => {};
    const over = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const end = (reason: TandemError | null) => {
      if (!this.ends.delete(end)) return;
      channel.close();
      letGo();
      if (reason) line.closed(reason);
    };
    this.ends.add(end);
    channel.onmessage = ({ data }) => {
      const frame = asFrame(data);
      const message = frame ? null : asTalkMessage(data);
      if (frame) line.frame(frame);
      else if (message?.kind === "ready") line.ready();
      else if (message) end(TandemError.fromWire(message.code, message.text));
      else end(new TandemError("network", "the tab with the database said what is no frame"));
    };
    // Held before the owner hears of it, or it would take this tab for gone.
    void navigator.locks.request(name, () => {
      if (this.ends.has(end)) this.tell({ kind: "call", owner: this.owner, conversation });
      return over;
    });
    return { say: (bytes) => channel.postMessage(asData(bytes)), hangUp: () => end(null) };
  }

  digest(): Promise<string> {
    const question = randomId();
    return new Promise((resolve, reject) => {
      this.questions.set(question, { resolve, reject });
      this.tell({ kind: "ask_digest", owner: this.owner, question });
    });
  }

  answered(question: string, digest: string): void {
    this.questions.get(question)?.resolve(digest);
    this.questions.delete(question);
  }

  /** Another tab has the database now. */
  end(reason: TandemError): void {
    for (const end of [...this.ends]) end(reason);
    for (const { reject } of this.questions.values()) reject(reason);
    this.questions.clear();
  }
}
