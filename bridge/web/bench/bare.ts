interface BareWindow {
  webkit?: { messageHandlers?: { bare?: { postMessage(text: string): void } } };
  bareAnswer?: (text: string) => void;
}

export interface BareEcho {
  call(text: string): Promise<string>;
}

/** A message to the window's host, which evaluates a script with it: all that a bridge of one's own could begin with. */
export function bareWebView(): BareEcho | null {
  const hosted = globalThis as BareWindow;
  const handler = hosted.webkit?.messageHandlers?.bare;
  if (!handler) return null;
  return {
    call: (text) =>
      new Promise((resolve) => {
        hosted.bareAnswer = resolve;
        handler.postMessage(text);
      }),
  };
}

/** A WebSocket whose server sends back what it gets. */
export async function bareWebSocket(url: string): Promise<BareEcho> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return {
    call: (text) =>
      new Promise((resolve) => {
        socket.onmessage = (event) => resolve(String(event.data));
        socket.send(text);
      }),
  };
}
