import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest";
import { NodeProcess } from "./node_process";
import { Tab } from "./sync_tab";

/** A node with a table of notes, empty before each test of a file, and tabs that are closed behind it. */
export class NotesNode {
  private started: NodeProcess | null = null;
  private tabs: Tab[] = [];
  private tests = 0;

  constructor() {
    beforeAll(async () => {
      this.started = await NodeProcess.start(
        [],
        "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, title TEXT, size, UNIQUE(title))",
      );
    });
    afterAll(() => this.started?.end());
    beforeEach(() => {
      this.tests++;
      this.node.sqlite("DELETE FROM notes");
    });
    afterEach(async () => {
      for (const tab of this.tabs.splice(0)) tab.close();
      vi.unstubAllGlobals();
      const isThere = await fetch(`http://127.0.0.1:${this.node.port}/`).then(
        () => true,
        () => false,
      );
      if (!isThere) await this.node.run();
    });
  }

  get node(): NodeProcess {
    return this.started as NodeProcess;
  }

  /** What a page's tabs share; each test has a page of its own. */
  get name(): string {
    return `test ${this.tests}`;
  }

  /** One more tab of the test's page. */
  async open(url = this.node.url): Promise<Tab> {
    const tab = await Tab.open(url, this.name);
    this.tabs.push(tab);
    return tab;
  }

  titles(): string {
    return this.node.sqlite("SELECT group_concat(title, ' ') FROM (SELECT title FROM notes ORDER BY id)");
  }
}
