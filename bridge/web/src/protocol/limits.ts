/** Limits of the protocol, the same as the node's (messages/limits.hpp, messages/page_limits.hpp). */
export const frameBytesMax = 4 * 1024 * 1024;
export const sqlBytesMax = 1_000_000;
export const parametersMax = 32_766;
export const statementsMax = 20_000;
export const onceBytesMax = 64;
export const sessionDigits = 32;
export const keyColumnsMax = 64;
export const labelBytesMax = 256;
export const reasonBytesMax = 4 * 1024;
export const tokenBytesMax = 4 * 1024;
export const argumentBytesMax = 3 * 1024 * 1024;
export const tablesMax = 1_000;
export const nameBytesMax = 1_024;
export const columnsMax = 2_000;
export const watchRowsMax = 200_000;
/** Queries, and writes, of one page that are not answered yet. */
export const queriesMax = 64;
export const writesMax = 256;
/** Lists and maps within each other, in fields that a later version added and that are skipped here. */
export const depthMax = 16;
