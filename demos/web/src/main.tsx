import { AdaptiveProvider, SyncManager } from "@tandem/web";
import { TandemProvider } from "@tandem/web/react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./app.css";

const url = new URLSearchParams(location.search).get("node") ?? location.origin;
const database = await AdaptiveProvider.open({ url, name: "notes and tasks" });
const sync = await SyncManager.open(database, { name: "notes and tasks" });
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <TandemProvider provider={database} sync={sync}>
      <App database={database} />
    </TandemProvider>,
  );
