import { findMessageHandler, SwitchingProvider, WebSocketTransport, WebViewTransport } from "@tandem/web";
import { TandemProvider } from "@tandem/web/react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./app.css";

const node = new URLSearchParams(location.search).get("node") ?? location.origin;
const transport = findMessageHandler() ? new WebViewTransport() : new WebSocketTransport(node);
const database = new SwitchingProvider(transport, { name: "notes and tasks" });
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <TandemProvider provider={database}>
      <App database={database} node={node} />
    </TandemProvider>,
  );
