/**
 * An apiserver with many services, for measuring the gateway beside it: `bun apiserver.ts PORT BACKEND SERVICES`. It
 * answers lists in pages and keeps watches open; nothing ever changes. Service i is `bench/svc-i`, all on one address.
 */
const [port, backend, services] = [Number(process.argv[2]), new URL(process.argv[3]!), Number(process.argv[4])];
const VERSION = "1";

const slice = (i: number): object => ({
  metadata: {
    name: `svc-${i}-abcde`,
    namespace: "bench",
    uid: `uid-${i}`,
    resourceVersion: VERSION,
    labels: { "kubernetes.io/service-name": `svc-${i}` },
  },
  addressType: "IPv4",
  endpoints: [{ addresses: [backend.hostname], conditions: { ready: true } }],
  ports: [{ name: "http", port: Number(backend.port), protocol: "TCP" }],
});

function list(query: URLSearchParams): Response {
  const from = Number(query.get("continue") ?? 0);
  const to = Math.min(services, from + Number(query.get("limit") ?? services));
  const items = Array.from({ length: to - from }, (_, i) => slice(from + i));
  const more = to < services ? { continue: String(to), remainingItemCount: services - to } : {};
  const metadata = { resourceVersion: VERSION, ...more };
  return Response.json({ kind: "EndpointSliceList", apiVersion: "discovery.k8s.io/v1", metadata, items });
}

Bun.serve({
  hostname: "127.0.0.1",
  port,
  idleTimeout: 0,
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/") return new Response("ok");
    if (!pathname.endsWith("/endpointslices"))
      return Response.json({ kind: "APIGroup", versions: [] }, { status: 404 });
    if (searchParams.get("watch") === null) return list(searchParams);
    const silent = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("\n")) });
    return new Response(silent, { headers: { "content-type": "application/json" } });
  },
});

export {};
