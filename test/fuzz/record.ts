/**
 * Records what apiservers send, for the fuzzer: lists and watches of Endpoints and EndpointSlices.
 *
 *   bun test/fuzz/record.ts                            the embedded apiserver
 *   bun test/fuzz/record.ts real URL TOKEN CA_FILE     a real one; what it makes there it takes away again
 */
import { join } from "node:path";
import process from "node:process";
import { systemClock } from "../../src/base/clock.ts";
import { createApiserver } from "../../src/demo/apiserver.ts";
import { manifest, randomSketch } from "../faults/lab/world.ts";
import { seededRandom } from "../helpers/random.ts";

const FOLDER = join(import.meta.dir, "../fixtures/recorded");

type Send = (path: string, init?: RequestInit) => Promise<Response>;

/** Reads a watch until it has so many lines, then leaves it. */
async function linesOf(answer: Response, count: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer.body!) {
    text += decoder.decode(chunk, { stream: true });
    if (text.split("\n").length > count) break;
  }
  return text;
}

async function record(
  send: Send,
  name: string,
  base: string,
  kind: "Endpoints" | "EndpointSlice",
  apiVersion: string,
): Promise<void> {
  const resource = kind === "Endpoints" ? "endpoints" : "endpointslices";
  const random = seededRandom(11);
  const names = kind === "Endpoints" ? ["web", "api", "größe"] : ["slice-1", "slice-2", "slice-3"];
  const objectOf = (own: string) => {
    const sketch = { ...randomSketch(random, kind), namespace: "default", name: own, service: "web", http: 8080 };
    const object = { ...(manifest(sketch, kind) as { metadata: object }), apiVersion };
    return { ...object, metadata: { ...object.metadata, annotations: { note: "Größe 端点 🚦" } } };
  };
  const path = `${base}/namespaces/default/${resource}`;
  const write = (method: string, own: string) =>
    send(method === "POST" ? path : `${path}/${own}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(method !== "DELETE" && { body: JSON.stringify(objectOf(own)) }),
    });
  const own = names.filter((text) => /^[a-z0-9-]+$/.test(text));
  for (const each of own) await write("POST", each);
  const list = await (await send(`${path}?limit=500`)).text();
  const version = (JSON.parse(list) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
  const watch = await send(`${path}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}&timeoutSeconds=60`);
  const lines = linesOf(watch, own.length * 2);
  for (const each of own) await write("PUT", each);
  for (const each of own) await write("DELETE", each);
  await Bun.write(join(FOLDER, `${name}-${resource}-list.json`), list);
  await Bun.write(join(FOLDER, `${name}-${resource}-watch.jsonl`), await lines);
}

const [where, url, token, ca] = process.argv.slice(2);
if (where === "real") {
  const send: Send = (path, init) =>
    fetch(url + path, {
      ...init,
      headers: { ...(init?.headers as Record<string, string>), authorization: `Bearer ${token}` },
      tls: { ca: Bun.file(ca!) },
    } as RequestInit);
  await record(send, "real", "/api/v1", "Endpoints", "v1");
  await record(send, "real", "/apis/discovery.k8s.io/v1beta1", "EndpointSlice", "discovery.k8s.io/v1beta1");
} else {
  const api = createApiserver({ clock: systemClock, random: seededRandom(7) });
  await record(api.fetch, "embedded", "/api/v1", "Endpoints", "v1");
  await record(api.fetch, "embedded", "/apis/discovery.k8s.io/v1", "EndpointSlice", "discovery.k8s.io/v1");
  api.close();
}
process.exit(0);
