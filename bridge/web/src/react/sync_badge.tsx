import { useStatus } from "./hooks";

const ways = { webview: "app", websocket: "live", http: "HTTP", in_process: "here" } as const;
const words = { connecting: "connecting", waiting: "offline, trying again", closed: "closed" } as const;

/** Whether what is shown follows the database at the moment. Screen readers hear each change. */
export function SyncBadge() {
  const { phase, transport, reason } = useStatus();
  const text = phase === "open" ? ways[transport] : words[phase];
  return (
    <output className="tandem-badge" data-phase={phase} title={reason?.message}>
      {text}
    </output>
  );
}
