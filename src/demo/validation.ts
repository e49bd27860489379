import { isObject, objectsOf } from "./objects.ts";
import type { Resource } from "./resources.ts";
import { isLabelKey, isLabelValue } from "./selectors.ts";
import type { Cause } from "./status.ts";
import type { Json } from "./types.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const DNS_1035_RULE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

/** Is this the text of an IPv6 address (without brackets or zone)? */
export function isIpv6Text(text: string): boolean {
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(":")) return false;
  try {
    return new URL(`http://[${text}]/`).hostname.startsWith("[");
  } catch {
    return false;
  }
}

const isLoopback = (ip: string): boolean => ip.startsWith("127.") || ip === "::1";

const wrong = (field: string, value: unknown, rule: string): Cause => ({
  reason: "FieldValueInvalid",
  message: `Invalid value: ${JSON.stringify(value)}: ${rule}`,
  field,
});
const required = (field: string, what = ""): Cause => ({
  reason: "FieldValueRequired",
  message: `Required value${what && `: ${what}`}`,
  field,
});
const unsupported = (field: string, value: unknown, allowed: readonly string[]): Cause => ({
  reason: "FieldValueNotSupported",
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed.map((word) => JSON.stringify(word)).join(", ")}`,
  field,
});

function metadataCauses(resource: Resource, metadata: Json): Cause[] {
  const causes: Cause[] = [];
  const { name } = metadata;
  if (typeof name !== "string" || name === "")
    causes.push(required("metadata.name", "name or generateName is required"));
  else if (resource.kind === "Service" && (!DNS_1035.test(name) || name.length > 63)) {
    causes.push(wrong("metadata.name", name, DNS_1035_RULE));
  } else if (resource.kind === "Namespace" && (!DNS_LABEL.test(name) || name.length > 63)) {
    causes.push(wrong("metadata.name", name, LABEL_RULE));
  } else if (!SUBDOMAIN.test(name) || name.length > 253) causes.push(wrong("metadata.name", name, SUBDOMAIN_RULE));
  for (const [key, value] of Object.entries(isObject(metadata.labels) ? metadata.labels : {})) {
    if (!isLabelKey(key))
      causes.push(
        wrong(
          "metadata.labels",
          key,
          "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ),
      );
    if (typeof value !== "string" || !isLabelValue(value)) {
      causes.push(
        wrong(
          "metadata.labels",
          value,
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ),
      );
    }
  }
  return causes;
}

function addressCauses(field: string, ip: unknown, family: string | undefined, refuseLoopback: boolean): Cause[] {
  if (typeof ip !== "string" || ip === "") return [required(field)];
  const v4 = IPV4.test(ip);
  if (family === undefined && !v4 && !isIpv6Text(ip)) {
    return [wrong(field, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
  }
  if (family === "IPv4" && !v4) return [wrong(field, ip, "must be a valid IPv4 address")];
  if (family === "IPv6" && !isIpv6Text(ip)) return [wrong(field, ip, "must be a valid IPv6 address")];
  if (family === "FQDN" && !SUBDOMAIN.test(ip)) return [wrong(field, ip, SUBDOMAIN_RULE)];
  if (family !== "FQDN" && refuseLoopback && isLoopback(ip)) {
    return [wrong(field, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)")];
  }
  return [];
}

function portCauses(field: string, port: Json, portRequired: boolean): Cause[] {
  const causes: Cause[] = [];
  if (port.port === undefined || port.port === null) {
    if (portRequired) causes.push(required(`${field}.port`));
  } else if (!Number.isInteger(port.port) || Number(port.port) < 1 || Number(port.port) > 65_535) {
    causes.push(wrong(`${field}.port`, port.port, "must be between 1 and 65535, inclusive"));
  }
  if (port.name && (typeof port.name !== "string" || !DNS_LABEL.test(port.name) || port.name.length > 63)) {
    causes.push(wrong(`${field}.name`, port.name, LABEL_RULE));
  }
  if (port.protocol && !["SCTP", "TCP", "UDP"].includes(String(port.protocol))) {
    causes.push(unsupported(`${field}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]));
  }
  return causes;
}

function portsCauses(field: string, ports: readonly Json[], portRequired: boolean, namesRequired: boolean): Cause[] {
  const names = new Set<unknown>();
  return ports.flatMap((port, index) => {
    const at = `${field}[${index}]`;
    const causes = portCauses(at, port, portRequired);
    const name = port.name ?? "";
    if (namesRequired && ports.length > 1 && name === "") causes.push(required(`${at}.name`));
    else if (names.has(name)) {
      causes.push({
        reason: "FieldValueDuplicate",
        message: `Duplicate value: ${JSON.stringify(name)}`,
        field: `${at}.name`,
      });
    }
    names.add(name);
    return causes;
  });
}

function endpointsCauses(object: Json, refuseLoopback: boolean): Cause[] {
  return objectsOf(object.subsets).flatMap((subset, index) => {
    const at = `subsets[${index}]`;
    const ready = objectsOf(subset.addresses);
    const unready = objectsOf(subset.notReadyAddresses);
    if (ready.length + unready.length === 0) return [required(at, "must specify `addresses` or `notReadyAddresses`")];
    const check = (field: string, all: readonly Json[]): Cause[] =>
      all.flatMap(({ ip }, i) => addressCauses(`${at}.${field}[${i}].ip`, ip, undefined, refuseLoopback));
    return [
      ...check("addresses", ready),
      ...check("notReadyAddresses", unready),
      ...portsCauses(`${at}.ports`, objectsOf(subset.ports), true, true),
    ];
  });
}

const FAMILIES = ["FQDN", "IPv4", "IPv6"];

/** The apiserver's limits of a slice. */
const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;

function sliceCauses(object: Json, refuseLoopback: boolean): Cause[] {
  const causes: Cause[] = [];
  const family = String(object.addressType ?? "");
  if (family === "") causes.push(required("addressType"));
  else if (!FAMILIES.includes(family)) causes.push(unsupported("addressType", family, FAMILIES));
  const endpoints = objectsOf(object.endpoints);
  if (endpoints.length > MAX_ENDPOINTS) {
    causes.push({
      reason: "FieldValueTooMany",
      message: `Too many: ${endpoints.length}: must have at most ${MAX_ENDPOINTS} items`,
      field: "endpoints",
    });
  }
  endpoints.forEach(({ addresses }, index) => {
    const at = `endpoints[${index}].addresses`;
    if (!Array.isArray(addresses) || addresses.length === 0)
      causes.push(required(at, "must contain at least 1 address"));
    else if (addresses.length > MAX_ADDRESSES) {
      causes.push({
        reason: "FieldValueTooMany",
        message: `Too many: ${addresses.length}: must have at most ${MAX_ADDRESSES} items`,
        field: at,
      });
    } else if (FAMILIES.includes(family)) {
      causes.push(...addresses.flatMap((ip, i) => addressCauses(`${at}[${i}]`, ip, family, refuseLoopback)));
    }
  });
  return [...causes, ...portsCauses("ports", objectsOf(object.ports), false, false)];
}

function serviceCauses(object: Json): Cause[] {
  const spec = isObject(object.spec) ? object.spec : {};
  const ports = objectsOf(spec.ports);
  const headless = spec.clusterIP === "None" || spec.type === "ExternalName";
  if (ports.length === 0 && !headless) return [required("spec.ports")];
  return portsCauses("spec.ports", ports, true, true);
}

function podCauses(object: Json): Cause[] {
  const containers = objectsOf(isObject(object.spec) ? object.spec.containers : undefined);
  if (containers.length === 0) return [required("spec.containers")];
  return containers.flatMap((container, index) => {
    const at = `spec.containers[${index}]`;
    return [...(container.name ? [] : [required(`${at}.name`)]), ...(container.image ? [] : [required(`${at}.image`)])];
  });
}

/** What is wrong with an object, field by field, in the apiserver's words; empty when nothing is. */
export function causesOf(resource: Resource, object: Json, refuseLoopback: boolean): Cause[] {
  const causes = metadataCauses(resource, object.metadata as Json);
  switch (resource.kind) {
    case "Endpoints":
      return [...causes, ...endpointsCauses(object, refuseLoopback)];
    case "EndpointSlice":
      return [...causes, ...sliceCauses(object, refuseLoopback)];
    case "Service":
      return [...causes, ...serviceCauses(object)];
    case "Pod":
      return [...causes, ...podCauses(object)];
    default:
      return causes;
  }
}
