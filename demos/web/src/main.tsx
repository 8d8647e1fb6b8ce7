import { AdaptiveProvider, SyncManager } from "@tandem/web";
import { TandemProvider } from "@tandem/web/react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./app.css";

/** Whether the page was built with a node of its own: `./demos/run web --local`. */
declare const __HAS_LOCAL__: boolean;

// Keeps this page's files for when the node that serves them is away. An app's window has them anyway.
if (location.protocol.startsWith("http")) void navigator.serviceWorker?.register("./sw.js").catch(() => {});

const url = new URLSearchParams(location.search).get("node") ?? location.origin;
const local = __HAS_LOCAL__ ? await import("./local").then(({ openLocal }) => openLocal(url)) : null;
const database = await AdaptiveProvider.open({
  url,
  name: "notes and tasks",
  ...(local && { local: local.transport }),
});
const sync = await SyncManager.open(database, { name: "notes and tasks" });
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <TandemProvider provider={database} sync={sync}>
      <App database={database} />
    </TandemProvider>,
  );
