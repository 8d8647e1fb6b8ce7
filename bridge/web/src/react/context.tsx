import { createContext, type ReactNode, useContext } from "react";
import { TandemError } from "../errors";
import type { Provider } from "../providers/provider";
import type { SyncManager } from "../sync/sync_manager";

const Context = createContext<Provider | null>(null);
export const SyncContext = createContext<SyncManager | null>(null);

export interface TandemProviderProps {
  readonly provider: Provider;
  /** For `useSyncManager`. */
  readonly sync?: SyncManager;
  readonly children?: ReactNode;
}

/** Hands a provider, and perhaps a sync manager, to the hooks below it. Who made them closes them. */
export function TandemProvider({ provider, sync, children }: TandemProviderProps) {
  return (
    <Context.Provider value={provider}>
      <SyncContext.Provider value={sync ?? null}>{children}</SyncContext.Provider>
    </Context.Provider>
  );
}

/** @throws TandemError `usage` outside of a `TandemProvider`. */
export function useProvider(): Provider {
  const provider = useContext(Context);
  if (!provider) throw new TandemError("usage", "this component is not within a <TandemProvider>");
  return provider;
}
