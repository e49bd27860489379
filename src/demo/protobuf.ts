import { unsupportedMedia } from "./status.ts";
import type { Json } from "./types.ts";

/** How a field is read. `zero` values are left out as JSON leaves them out. */
type Field =
  | { readonly name: string; readonly as: "text" | "int" | "bool" | "map" | "intOrString" }
  | { readonly name: string; readonly as: "texts" }
  | { readonly name: string; readonly as: "message" | "messages"; readonly of: Message };

/** A message's fields by number; others are skipped. */
type Message = Readonly<Record<number, Field>>;

// Numbers from generated.proto of k8s.io/apimachinery and k8s.io/api/core/v1.
const META: Message = {
  1: { name: "name", as: "text" },
  2: { name: "generateName", as: "text" },
  3: { name: "namespace", as: "text" },
  5: { name: "uid", as: "text" },
  6: { name: "resourceVersion", as: "text" },
  11: { name: "labels", as: "map" },
  12: { name: "annotations", as: "map" },
  14: { name: "finalizers", as: "texts" },
};
const METADATA = { name: "metadata", as: "message", of: META } as const;

const SERVICE_PORT: Message = {
  1: { name: "name", as: "text" },
  2: { name: "protocol", as: "text" },
  3: { name: "port", as: "int" },
  4: { name: "targetPort", as: "intOrString" },
  5: { name: "nodePort", as: "int" },
  6: { name: "appProtocol", as: "text" },
};
const SERVICE_SPEC: Message = {
  1: { name: "ports", as: "messages", of: SERVICE_PORT },
  2: { name: "selector", as: "map" },
  3: { name: "clusterIP", as: "text" },
  4: { name: "type", as: "text" },
  5: { name: "externalIPs", as: "texts" },
  7: { name: "sessionAffinity", as: "text" },
  10: { name: "externalName", as: "text" },
  13: { name: "publishNotReadyAddresses", as: "bool" },
};

/** What `kubectl create` makes of flags, which it sends in protobuf; manifests come as JSON. */
const KINDS: Readonly<Record<string, Message>> = {
  Namespace: { 1: METADATA },
  ConfigMap: { 1: METADATA, 2: { name: "data", as: "map" } },
  ServiceAccount: { 1: METADATA },
  Service: { 1: METADATA, 2: { name: "spec", as: "message", of: SERVICE_SPEC } },
};

const TYPE_META: Message = { 1: { name: "apiVersion", as: "text" }, 2: { name: "kind", as: "text" } };

const utf8 = new TextDecoder();

type Raw = { readonly number: number; readonly value: number | Uint8Array };

/** The fields of a message as they stand: varints and length-delimited ones are all these kinds use. */
function rawFields(bytes: Uint8Array): Raw[] {
  const fields: Raw[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw unsupportedMedia(["application/json", "application/yaml"]);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.push({ number, value: varint() });
    else if (tag % 8 === 2) {
      const length = varint();
      fields.push({ number, value: bytes.subarray(at, at + length) });
      at += length;
    } else throw unsupportedMedia(["application/json", "application/yaml"]);
  }
  return fields;
}

function mapEntry(bytes: Uint8Array): Record<string, string> {
  const { key = "", value = "" } = decode(bytes, { 1: { name: "key", as: "text" }, 2: { name: "value", as: "text" } });
  return { [String(key)]: String(value) };
}

/** `type` (0: number, 1: text), `intVal`, `strVal`; a target port of 0 is none. */
function intOrString(bytes: Uint8Array): unknown {
  const { type, int, text } = decode(bytes, {
    1: { name: "type", as: "int" },
    2: { name: "int", as: "int" },
    3: { name: "text", as: "text" },
  });
  return type === 1 ? text : int;
}

function decode(bytes: Uint8Array, message: Message): Json {
  const object: Json = {};
  for (const { number, value } of rawFields(bytes)) {
    const field = message[number];
    if (!field) continue;
    const { name } = field;
    if (typeof value === "number") {
      if (value !== 0) object[name] = field.as === "bool" ? true : value;
      continue;
    }
    switch (field.as) {
      case "text":
        if (value.length > 0) object[name] = utf8.decode(value);
        break;
      case "texts":
        object[name] = [...((object[name] as string[] | undefined) ?? []), utf8.decode(value)];
        break;
      case "map":
        object[name] = { ...(object[name] as Json | undefined), ...mapEntry(value) };
        break;
      case "intOrString":
        object[name] = intOrString(value);
        break;
      case "message":
        object[name] = decode(value, field.of);
        break;
      case "messages":
        object[name] = [...((object[name] as Json[] | undefined) ?? []), decode(value, field.of)];
    }
  }
  return object;
}

/** `k8s` and a zero byte begin every body of this type. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];

/**
 * Reads a body of `application/vnd.kubernetes.protobuf`: an envelope with apiVersion and kind around one of the kinds
 * that `kubectl create` sends so. Throws 415 for all others.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export function readProtobuf(bytes: Uint8Array): Json {
  const envelope = MAGIC.every((byte, index) => bytes[index] === byte) ? rawFields(bytes.subarray(MAGIC.length)) : [];
  const part = (number: number): Uint8Array => {
    const value = envelope.find((field) => field.number === number)?.value;
    return value instanceof Uint8Array ? value : new Uint8Array();
  };
  const type = decode(part(1), TYPE_META);
  const message = KINDS[String(type.kind)];
  if (!message) throw unsupportedMedia(["application/json", "application/yaml"]);
  return { ...type, ...decode(part(2), message) };
}
