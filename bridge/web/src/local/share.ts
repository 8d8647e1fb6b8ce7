import { TandemError } from "../errors";
import type { NodeAccess } from "./node_access";
import { asData, asFrame, type TalkMessage, talkName } from "./tab_messages";

/**
 * Lets another tab talk to the node of this one, by a channel of its own, so that no third tab gets copies of its frames. That tab holds a
 * lock as long as it listens: one that crashed can't say that it has gone. The node itself bounds how many it serves (page_limits.hpp).
 */
export function share(node: NodeAccess, database: string, conversation: string): void {
  const name = talkName(database, conversation);
  const channel = new BroadcastChannel(name);
  const tell = (message: TalkMessage) => channel.postMessage(message);
  const waiting = new AbortController();
  const end = (reason: TandemError | null) => {
    if (waiting.signal.aborted) return;
    waiting.abort();
    if (reason) tell({ kind: "closed", code: reason.code, text: reason.message });
    channel.close();
  };
  const talk = node.connect({
    ready: () => tell({ kind: "ready" }),
    frame: (bytes) => channel.postMessage(asData(bytes)),
    closed: end,
  });
  const hangUp = (reason: TandemError | null) => {
    end(reason);
    talk.hangUp();
  };
  channel.onmessage = ({ data }) => {
    const frame = asFrame(data);
    if (frame) talk.say(frame);
    else hangUp(new TandemError("network", "this tab said what is no frame"));
  };
  navigator.locks.request(name, { signal: waiting.signal }, () => hangUp(null)).catch(() => {}); // By `end`.
}
