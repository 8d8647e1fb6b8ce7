import { HttpProvider, WebSocketProvider } from "../../src";

/** What the test reads and calls. */
export interface TransactionPage {
  readonly isOpen: boolean;
  /** How often its work has begun. */
  readonly tries: number;
  /** Empty until the transaction came to an end, then "done" or the code of the error. */
  readonly end: string;
  begin(limitMs: number): void;
  /** Lets the work that was begun go on to its end. */
  goOn(): void;
  write(sql: string): Promise<unknown>;
}

const way = new URLSearchParams(location.search).get("way");
const provider = way === "http" ? new HttpProvider(location.origin) : new WebSocketProvider(location.origin);
let goOn = () => {};
const page: { -readonly [name in keyof TransactionPage]: TransactionPage[name] } = {
  isOpen: false,
  tries: 0,
  end: "",
  begin(limitMs: number) {
    page.isOpen = false;
    page.end = "";
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const work = provider.transaction(
      async (transaction) => {
        page.tries++;
        await transaction.execute("INSERT INTO notes(id) VALUES(?)", [`begun by try ${page.tries}`]);
        page.isOpen = true;
        await mayGoOn;
        await transaction.execute("INSERT INTO notes(id) VALUES(?)", [`ended by try ${page.tries}`]);
      },
      { limitMs },
    );
    work.then(
      () => {
        page.end = "done";
      },
      (reason) => {
        page.end = reason.code;
      },
    );
  },
  goOn: () => goOn(),
  write: (sql: string) => provider.execute(sql, [], { deadlineMs: 30_000 }),
};
Object.assign(globalThis, { page });
