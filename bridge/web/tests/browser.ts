/** Debian's browser; the tests that need one are left out where there is none. */
export const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const repository = new URL("../../../", import.meta.url).pathname;
export const browserFlags = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
];
