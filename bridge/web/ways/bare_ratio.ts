import type { Provider } from "@tandem/web";
import type { BareEcho } from "../bench/bare";
import { meanMs, median } from "../bench/measuring";

const rounds = 15;
/** WebKit's clock counts whole milliseconds, and a call takes a part of one. */
const callsEachRound = 100;

/** How many times longer a request takes than a bare message there and back: in turns, so that both meet the same machine. */
export async function bareRatio(provider: Provider, bare: BareEcho, scale: number): Promise<object> {
  const samples: number[] = [];
  for (let round = Math.max(3, Math.round(rounds * scale)); round > 0; round--) {
    const bareMs = await meanMs(callsEachRound, () => bare.call("a small message, as long as a ping"));
    samples.push((await meanMs(callsEachRound, () => provider.ping())) / bareMs);
  }
  return { name: "bare_ratio", value: median(samples), samples };
}
