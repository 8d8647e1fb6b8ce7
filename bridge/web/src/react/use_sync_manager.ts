import { useContext, useSyncExternalStore } from "react";
import { TandemError } from "../errors";
import type { SyncManager } from "../sync/sync_manager";
import type { SyncManagerState } from "../sync/sync_state";
import { SyncContext } from "./context";

/** What waits for the node, and the manager to write by. @throws TandemError `usage` if the `TandemProvider` has none. */
export function useSyncManager(): SyncManagerState & { readonly manager: SyncManager } {
  const manager = useContext(SyncContext);
  if (!manager) throw new TandemError("usage", "give the <TandemProvider> a `sync` manager to use this");
  const subscribe = (listener: () => void) => manager.subscribe(listener);
  const state = () => manager.state;
  return { ...useSyncExternalStore(subscribe, state, state), manager };
}
