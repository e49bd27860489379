import { isAddress } from "../../base/addresses.ts";

/** A service reference as its text has it: what is missing comes from the route or the cluster. */
export interface ParsedReference {
  readonly cluster?: string;
  readonly namespace?: string;
  readonly name: string;
  /** What stood after the colon: a port's name or number. */
  readonly port?: string;
}

/** A name of a namespace, a Service or a port in Kubernetes (RFC 1123 label), or an id of a cluster. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const RULE = "lower-case letters, digits and inner dashes, at most 63";

const isPort = (text: string): boolean =>
  /^[0-9]+$/.test(text) ? Number(text) >= 1 && Number(text) <= 65_535 : LABEL.test(text);

const SINGLE_FORMS = '"name", "name:port", "namespace/name" or "namespace/name:port"';
const MULTI_FORMS = `${SINGLE_FORMS}, "id/namespace/name" or "id/namespace/name:port"`;

/** A longer word is not repeated in an error: tokens are, names of services hardly. */
const LONGEST_WORD = 20;

/** The reference that a text was probably meant for, in quotes; undefined: unclear. */
function meantBy(text: string, multi: boolean): string | undefined {
  const [, , host = "", port = ""] = /^([a-z][-+.a-z0-9]*:\/\/)?([^/:]*)(:[^/:]*)?(?:\/.*)?$/i.exec(text) ?? [];
  if (isAddress(host)) return `a route's "nodes" for the address, or the name of a service`;
  const [, name, namespace] = /^([^.]+)\.([^.]+)(?:\.svc(?:\.[^/]+)?)?$/i.exec(host) ?? [];
  const isUrl = /^[a-z][-+.a-z0-9]*:\/\//i.test(text);
  const guess = (name !== undefined ? `${namespace}/${name}${port}` : isUrl ? host + port : text).toLowerCase();
  // What stands where a reference belongs may be a secret in the wrong place, and is shown in answers.
  if (guess === text || guess.split(/[/:]/).some((part) => part.length > LONGEST_WORD)) return undefined;
  return "error" in parseServiceReference(guess, { multi }) ? undefined : JSON.stringify(guess);
}

/**
 * Takes a service reference apart: `name`, `namespace/name`, and with several clusters `id/namespace/name`, each with
 * or without `:port`. Two segments are always namespace and name. A text that is none of these gives an error that
 * shows the forms there are; it never throws.
 */
export function parseServiceReference(
  text: string,
  { multi }: { readonly multi: boolean },
): ParsedReference | { readonly error: string } {
  const refuse = (why: string) => {
    const meant = meantBy(text, multi);
    const forms = meant === undefined ? (multi ? MULTI_FORMS : SINGLE_FORMS) : meant;
    return { error: `${JSON.stringify(text)} is not a service reference: ${why}. Write ${forms}` };
  };
  if (/^[a-z][-+.a-z0-9]*:\/\//i.test(text)) return refuse("it is a URL");
  const segments = text.split("/");
  if (segments.length > 3) return refuse(`it has ${segments.length} segments`);
  if (segments.length === 3 && !multi) {
    return refuse('three segments name a cluster, and "discovery.kubernetes" is not a list of clusters');
  }
  const [name = "", port, ...rest] = segments.pop()!.split(":");
  if (rest.length > 0) return refuse("it has more than one colon");
  if (port !== undefined && !isPort(port)) {
    return refuse(
      port === ""
        ? "no port follows the colon"
        : "its port is not a number from 1 to 65535 or a name of lower-case letters",
    );
  }
  const namespace = segments.pop();
  const cluster = segments.pop();
  const parts = { cluster, namespace, name };
  for (const [role, part] of Object.entries(parts)) {
    if (part !== undefined && !LABEL.test(part)) {
      return refuse(part === "" ? `its ${role} is empty` : `its ${role} is not a Kubernetes name (${RULE})`);
    }
  }
  return {
    ...(cluster === undefined ? {} : { cluster }),
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(port === undefined ? {} : { port }),
  };
}
