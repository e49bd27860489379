/** Hono's own proxy helper. `bun hono.ts PORT BACKEND`. */
import { Hono } from "hono";
import { proxy } from "hono/proxy";

const backend = process.argv[3]!;
const app = new Hono();
app.all("*", (c) => {
  const { url } = c.req;
  return proxy(backend + url.slice(url.indexOf("/", 8)), { raw: c.req.raw });
});

Bun.serve({ hostname: "127.0.0.1", port: Number(process.argv[2]), idleTimeout: 0, fetch: app.fetch });
