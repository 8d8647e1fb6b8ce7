import { element, place, table } from "./dom";

/** What `status` tells of links, whether anything is measured or not. */
export interface Status {
  readonly paused: boolean;
  readonly links: readonly { readonly peer: string; readonly state: string; readonly text: string }[];
}

/** Of a node that measures nothing: that this is so, for empty panels would look as if all were well. */
export function drawUnmeasured({ links }: Status): void {
  place("alerts").replaceChildren(
    element(
      "p",
      { id: "unmeasured" },
      "This node measures nothing: it was started with --no-measuring (options.measures of the runtime). So there are no alerts and no figures here, whatever is wrong.",
    ),
  );
  const rows = links.map((each) => [
    element("b", {}, each.peer),
    element("span", { class: each.state === "linked" ? "up" : "down" }, each.state),
    each.text,
  ]);
  place("links").replaceChildren(
    rows.length === 0 ? element("p", {}, "No peer is linked.") : table(["Peer", "State", ""], rows),
  );
}
