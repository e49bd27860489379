/**
 * Express with http-proxy-middleware, its connections to the pod kept alive as with all the others.
 * `node express.mjs PORT BACKEND`.
 */
import { Agent } from "node:http";
import express from "express";
import { createProxyMiddleware } from "http-proxy-middleware";

const app = express();
app.use(createProxyMiddleware({ target: process.argv[3], agent: new Agent({ keepAlive: true }) }));
app.listen(Number(process.argv[2]), "127.0.0.1");
