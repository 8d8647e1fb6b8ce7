import { expect, it } from "vitest";
import { Levelling, unacknowledged } from "../src/providers/levelling";

const peer = (site: string, acknowledged: number) => ({ site, acknowledged });

it("counts what the peers lack: those that are linked, else all", () => {
  const status = { head: 10, pending: 2, peers: [peer("a", 10), peer("b", 4)] };
  expect(unacknowledged({ ...status, links: [] })).toBe(8);
  expect(unacknowledged({ ...status, links: [{ site: "a", state: "linked" }] })).toBe(2);
  expect(unacknowledged({ ...status, links: [{ site: "b", state: "connecting" }] })).toBe(8);
  expect(unacknowledged({ head: 3, pending: 0, peers: [], links: [] })).toBe(3);
  expect(unacknowledged({ head: 0, pending: 0, peers: [], links: [] })).toBe(0);
});

it("lets go when all is acknowledged, or when nothing gets on any more, and says why", () => {
  expect(new Levelling(60_000).look(0)).toMatchObject({ mayLeave: true });
  const patient = new Levelling(60_000);
  expect(patient.look(3)).toMatchObject({ mayLeave: false, reason: expect.stringContaining("3 changes") });
  expect(patient.look(null).mayLeave).toBe(false);
  const given = new Levelling(0);
  expect(given.look(3)).toMatchObject({ mayLeave: true, reason: expect.stringContaining("none has been") });
});
