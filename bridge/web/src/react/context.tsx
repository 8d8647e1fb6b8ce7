import { createContext, type ReactNode, useContext } from "react";
import { TandemError } from "../errors";
import type { Provider } from "../providers/provider";

const Context = createContext<Provider | null>(null);

/** Hands a provider to the hooks below it. Who made the provider closes it. */
export function TandemProvider(props: { readonly provider: Provider; readonly children?: ReactNode }) {
  return <Context.Provider value={props.provider}>{props.children}</Context.Provider>;
}

/** @throws TandemError `usage` outside of a `TandemProvider`. */
export function useProvider(): Provider {
  const provider = useContext(Context);
  if (!provider) throw new TandemError("usage", "this component is not within a <TandemProvider>");
  return provider;
}
