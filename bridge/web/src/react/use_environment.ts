import { useCallback, useSyncExternalStore } from "react";
import type { Environment } from "../environment";
import { AdaptiveProvider } from "../providers/adaptive_provider";
import { useProvider } from "./context";

/** What was found here and why this way was chosen; null if the provider is no `AdaptiveProvider`. */
export function useEnvironment(): Environment | null {
  const provider = useProvider();
  const adaptive = provider instanceof AdaptiveProvider ? provider : null;
  const subscribe = useCallback((listener: () => void) => adaptive?.onEnvironment(listener) ?? (() => {}), [adaptive]);
  const found = () => adaptive?.environment ?? null;
  return useSyncExternalStore(subscribe, found, found);
}
