import { parse as parseYaml, stringify as stringifyYaml } from "yaml";
import { isObject } from "./objects.ts";
import { readProtobuf } from "./protobuf.ts";
import { badRequest, notAcceptable, unsupportedMedia } from "./status.ts";
import type { Json } from "./types.ts";

/** How an answer is written. */
export type AnswerFormat = { readonly as: "json" | "yaml" | "table"; readonly pretty: boolean };

/** Terminals get indented JSON, as from the apiserver. */
const READ_BY_PEOPLE = /^(curl|Wget|Mozilla\/5\.0)/;

/** What the client accepts. Throws 406. */
export function formatOf(request: Request, query: URLSearchParams): AnswerFormat {
  const asked = query.get("pretty");
  const pretty =
    asked === null ? READ_BY_PEOPLE.test(request.headers.get("user-agent") ?? "") : asked !== "0" && asked !== "false";
  const accept = request.headers.get("accept") ?? "*/*";
  for (const range of accept.split(",")) {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (type === "application/json" && parameters.includes("as=table")) return { as: "table", pretty };
    if (type === "application/json" && parameters.some((parameter) => parameter.startsWith("as="))) continue;
    if (type === "application/json" || type === "*/*" || type === "application/*") return { as: "json", pretty };
    if (type === "application/yaml") return { as: "yaml", pretty };
  }
  throw notAcceptable();
}

/** An answer of JSON text in the format asked for. */
export function write(text: string, format: AnswerFormat, code: number): Response {
  if (format.as === "yaml") {
    return new Response(stringifyYaml(JSON.parse(text)), {
      status: code,
      headers: { "content-type": "application/yaml" },
    });
  }
  const body = format.pretty ? `${JSON.stringify(JSON.parse(text), null, 2)}\n` : text;
  return new Response(body, { status: code, headers: { "content-type": "application/json" } });
}

/** An answer that is no object. */
export const plain = (text: string, code: number): Response =>
  new Response(text, { status: code, headers: { "content-type": "text/plain; charset=utf-8" } });

/** Reads a body of JSON, YAML or protobuf; undefined when there is none. Throws 400 and 415. */
export async function readBody(request: Request): Promise<unknown> {
  const type = (request.headers.get("content-type") ?? "application/json").split(";")[0]!.trim().toLowerCase();
  if (type === "application/vnd.kubernetes.protobuf") return readProtobuf(new Uint8Array(await request.arrayBuffer()));
  const text = await request.text();
  if (text.trim() === "") return undefined;
  try {
    if (type.endsWith("yaml")) return parseYaml(text);
    if (type.endsWith("json")) return JSON.parse(text);
  } catch (error) {
    throw badRequest(`couldn't get version/kind; ${type} parse error: ${(error as Error).message}`);
  }
  throw unsupportedMedia(["application/json", "application/yaml"]);
}

/** Reads a body that must be an object. */
export async function readObjectBody(request: Request): Promise<Json> {
  const body = await readBody(request);
  if (!isObject(body)) throw badRequest("the body of the request must be an object with apiVersion, kind and metadata");
  return body;
}

/** Compresses an answer of at least `threshold` bytes for a client that accepts gzip; gives the others their length. */
export async function compressed(request: Request, answer: Response, threshold: number): Promise<Response> {
  const accepted = (request.headers.get("accept-encoding") ?? "")
    .split(",")
    .some((word) => /^gzip\s*(;|$)/.test(word.trim()));
  const body = new Uint8Array(await answer.arrayBuffer());
  const headers = new Headers(answer.headers);
  if (!accepted || body.length < threshold) {
    headers.set("content-length", String(body.length));
    return new Response(request.method === "HEAD" ? null : body, { status: answer.status, headers });
  }
  headers.set("content-encoding", "gzip");
  headers.set("vary", "Accept-Encoding");
  const packed = new Response(body).body!.pipeThrough(new CompressionStream("gzip"));
  return new Response(packed, { status: answer.status, headers });
}
