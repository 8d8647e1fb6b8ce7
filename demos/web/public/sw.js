// Keeps the page's own files, so that it opens also while the node that serves them is away: from the node where it
// answers, from here where it does not. What the page says to the node goes past it.

const cacheName = "notes and tasks";
const root = new URL("./", self.location).pathname;
/** A node that takes connections and says nothing need not keep a page from opening. */
const patienceMs = 3000;

/** Whether it is one of the page's own files; `vite.demo.config.ts` puts them there. */
const isOwnFile = (path) =>
  path === root || path.startsWith(`${root}assets/`) || path === `${root}tandem.mjs` || path === `${root}tandem.wasm`;

/** Gets what is new, first of all what the page needs, and lets go of what it does not need any more. */
async function takeOver() {
  const cache = await caches.open(cacheName);
  const listed = await fetch("./files.json", { cache: "no-store" });
  if (!listed.ok) return;
  const wanted = new Set((await listed.json()).map((name) => new URL(name, self.location).href));
  const known = new Set((await cache.keys()).map(({ url }) => url));
  await cache.addAll([...wanted].filter((url) => !known.has(url)));
  wanted.add(new URL("./", self.location).href);
  await cache.add("./");
  for (const url of known) if (!wanted.has(url)) await cache.delete(url);
}

async function answer(request, isPage) {
  const cache = await caches.open(cacheName);
  const key = isPage ? "./" : request;
  const known = await cache.match(key);
  try {
    // Without a copy there is nothing to be impatient for.
    const fresh = await fetch(request, known ? { signal: AbortSignal.timeout(patienceMs) } : {});
    if (fresh.ok && !isPage) await cache.put(key, fresh.clone());
    return fresh;
  } catch (reason) {
    if (known) return known;
    throw reason;
  }
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(takeOver());
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || !isOwnFile(url.pathname)) return;
  const isPage = url.pathname === root;
  const answered = answer(request, isPage);
  event.respondWith(answered);
  // A newer page has other files.
  if (isPage) event.waitUntil(answered.then(takeOver).catch(() => {}));
});
