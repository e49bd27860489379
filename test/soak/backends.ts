/** Pods that are real listeners on loopback addresses of their own, all on one port. */
export interface Backends {
  readonly hosts: readonly string[];
  readonly port: number;
  stop(): void;
}

/** Starts so many on 127.0.1.1 and up. */
export function startBackends(count: number): Backends {
  const answer = (): Response => new Response("ok");
  const first = Bun.serve({ hostname: "127.0.1.1", port: 0, fetch: answer });
  const servers = [first];
  for (let i = 2; i <= count; i++)
    servers.push(Bun.serve({ hostname: `127.0.1.${i}`, port: first.port!, fetch: answer }));
  return {
    hosts: servers.map(({ hostname }) => hostname!),
    port: first.port!,
    stop() {
      for (const server of servers) server.stop(true);
    },
  };
}
