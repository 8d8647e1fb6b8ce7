/** By which the page and who started it talk to each other, beside `contractSchema`. */
export const windowTables = `
CREATE TABLE task(what TEXT NOT NULL, ways TEXT NOT NULL, scale REAL NOT NULL);
CREATE TABLE outside(id TEXT PRIMARY KEY, sql TEXT NOT NULL, is_elsewhere INTEGER NOT NULL, is_done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE results(way TEXT NOT NULL, name TEXT NOT NULL, trouble TEXT);
CREATE TABLE reports(report TEXT NOT NULL);
CREATE TABLE ends(trouble TEXT);
`;

/** What the page is to do: to keep the contract, or to measure. */
export interface Task {
  readonly what: "contract" | "validate";
  readonly ways: readonly string[];
  readonly scale: number;
}
