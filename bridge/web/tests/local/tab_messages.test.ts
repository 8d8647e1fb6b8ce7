import { describe, expect, it } from "vitest";
import { asData, asFrame, asTabMessage, asTalkMessage, type TabMessage } from "../../src/local/tab_messages";
import { frameBytesMax } from "../../src/protocol/limits";

const id = "0123456789abcdef0123456789abcdef";

describe("what tabs say to each other", () => {
  it.each<TabMessage>([
    { kind: "who" },
    { kind: "opening" },
    { kind: "here", owner: 7, whyNotDurable: null },
    { kind: "here", owner: 7, whyNotDurable: "no IndexedDB" },
    { kind: "call", owner: 7, conversation: id },
    { kind: "ask_digest", owner: 7, question: id },
    { kind: "digest", question: id, digest: "abc" },
  ])("is understood: %j", (message) => {
    expect(asTabMessage(message)).toEqual(message);
  });

  it.each([
    null,
    "who",
    [],
    {},
    { kind: "what" },
    { kind: "here", owner: "7", whyNotDurable: null },
    { kind: "here", owner: 7 },
    { kind: "here", owner: 7, whyNotDurable: "long".repeat(10_000) },
    { kind: "call", owner: 7.5, conversation: id },
    { kind: "call", owner: 7, conversation: `${id}0` },
    { kind: "call", owner: 7, conversation: "another database" },
    { kind: "digest", question: id, digest: 5 },
  ])("is left alone if it is none of ours, case %#", (data) => {
    expect(asTabMessage(data)).toBeNull();
    expect(asTalkMessage(data)).toBeNull();
  });

  it("is frames of bounded size within a conversation, and its beginning and end", () => {
    expect(asFrame(new ArrayBuffer(frameBytesMax))).toHaveLength(frameBytesMax);
    for (const data of [new ArrayBuffer(frameBytesMax + 1), new Uint8Array(3), "abc", null, { length: 3 }])
      expect(asFrame(data)).toBeNull();
    expect(asTalkMessage({ kind: "ready" })).toEqual({ kind: "ready" });
    const end = { kind: "closed", code: "storage", text: "full" };
    expect(asTalkMessage(end)).toEqual(end);
    expect(asTalkMessage({ kind: "closed", code: 5, text: "full" })).toBeNull();
  });

  it("carries nothing of a buffer but the frame", () => {
    expect(asData(new Uint8Array(1_000).subarray(10, 13)).byteLength).toBe(3);
  });
});
