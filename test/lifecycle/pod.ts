/** A pod for the life cycle: answers at once, streams events until it is left, echoes WebSockets. */
export function startPod(name = "pod"): AsyncDisposable & { readonly port: number; readonly node: object } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request, bun) {
      const { pathname } = new URL(request.url);
      if (pathname === "/socket" && bun.upgrade(request)) return undefined;
      if (pathname !== "/events") return new Response(name);
      let timer: ReturnType<typeof setInterval>;
      const body = new ReadableStream({
        start(out) {
          out.enqueue("data: first\n\n");
          timer = setInterval(() => out.enqueue("data: more\n\n"), 50);
        },
        cancel: () => clearInterval(timer),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
    websocket: { message: (socket, text) => void socket.send(text) },
  });
  return {
    port: server.port!,
    node: { host: "127.0.0.1", port: server.port },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
