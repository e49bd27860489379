/** Fastify's own proxy plugin, as its documentation sets it up. `node fastify.mjs PORT BACKEND`. */
import proxy from "@fastify/http-proxy";
import Fastify from "fastify";

const app = Fastify();
await app.register(proxy, { upstream: process.argv[3] });
await app.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
