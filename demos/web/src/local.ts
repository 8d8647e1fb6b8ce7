import { LocalDatabase, type ModuleFactory } from "@tandem/web/local";

/** The CREATE statements of schema.sql. */
declare const __TABLES__: string;

/** A node within the page, in step with the one at `url` while that is there, and what the page works with while it is not. */
export async function openLocal(url: string): Promise<LocalDatabase> {
  const beside = (name: string) => new URL(name, document.baseURI).href;
  const { default: module } = (await import(/* @vite-ignore */ beside("tandem.mjs"))) as { default: ModuleFactory };
  const peer = new URL("/", url);
  peer.protocol = peer.protocol.replace("http", "ws");
  return LocalDatabase.open({
    database: "notes and tasks",
    module,
    locateFile: beside,
    schema: __TABLES__,
    tables: ["notes", "tasks"],
    peers: [peer.href],
    name: "a page",
  });
}
