/** A service reference as its text has it: what is missing comes from the route or the cluster. */
export interface ParsedReference {
  readonly cluster?: string;
  readonly namespace?: string;
  readonly name: string;
  /** What stood after the colon: a port's name or number. */
  readonly port?: string;
}

/** A Kubernetes name (RFC 1123 label or subdomain), a little laxer: the apiserver has the last word. */
const NAME = /^[a-z0-9]([-a-z0-9_.]{0,251}[a-z0-9])?$/i;

const SINGLE_FORMS = '"name", "name:port", "namespace/name" or "namespace/name:port"';
const MULTI_FORMS = `${SINGLE_FORMS}, "id/namespace/name" or "id/namespace/name:port"`;

/**
 * Takes a service reference apart: `name`, `namespace/name`, and with several clusters `id/namespace/name`, each with
 * or without `:port`. Two segments are always namespace and name. A text that is none of these gives an error that
 * shows the forms there are; it never throws.
 */
export function parseServiceReference(
  text: string,
  { multi }: { readonly multi: boolean },
): ParsedReference | { readonly error: string } {
  const refuse = (why: string) => ({
    error: `${JSON.stringify(text)} is not a service reference: ${why}. Write ${multi ? MULTI_FORMS : SINGLE_FORMS}`,
  });
  const segments = text.split("/");
  if (segments.length > 3) return refuse(`it has ${segments.length} segments`);
  if (segments.length === 3 && !multi) {
    return refuse('three segments name a cluster, and "discovery.kubernetes" is not a list of clusters');
  }
  const [name = "", port, ...rest] = segments.pop()!.split(":");
  if (rest.length > 0) return refuse("it has more than one colon");
  if (port !== undefined && !NAME.test(port))
    return refuse(port === "" ? "no port follows the colon" : "its port is not a name or a number");
  const namespace = segments.pop();
  const cluster = segments.pop();
  const parts = { cluster, namespace, name };
  for (const [role, part] of Object.entries(parts)) {
    if (part !== undefined && !NAME.test(part)) {
      return refuse(part === "" ? `its ${role} is empty` : `its ${role} is not a Kubernetes name`);
    }
  }
  return {
    ...(cluster === undefined ? {} : { cluster }),
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(port === undefined ? {} : { port }),
  };
}
