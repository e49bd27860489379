import type { Json } from "./types.ts";

/** A cause of a 422 or of a timeout, `metav1.StatusCause`. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** An error that is answered as `metav1.Status`. */
export class StatusError extends Error {
  override name = "StatusError";
  readonly status: Json;
  readonly code: number;

  constructor(status: Json) {
    super(String(status.message));
    this.status = status;
    this.code = Number(status.code);
  }
}

/** A failure Status as the apiserver writes it (key order included). */
export function failure(code: number, reason: string, message: string, details?: Json, metadata: Json = {}): Json {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata,
    status: "Failure",
    message,
    reason,
    ...(details && { details }),
    code,
  };
}

const error = (code: number, reason: string, message: string, details?: Json, metadata?: Json): StatusError =>
  new StatusError(failure(code, reason, message, details, metadata));

/** How a Status names a resource: `services`, or `endpointslices.discovery.k8s.io` outside the core group. */
export const qualified = (resource: string, group: string): string =>
  group === "" ? resource : `${resource}.${group}`;

const subject = (resource: string, group: string, name: string): Json => ({
  ...(name && { name }),
  ...(group && { group }),
  kind: resource,
});

/** 400: the request itself is wrong. */
export const badRequest = (message: string): StatusError => error(400, "BadRequest", message);

/** 404 for an object. */
export const notFound = (resource: string, group: string, name: string): StatusError =>
  error(404, "NotFound", `${qualified(resource, group)} "${name}" not found`, subject(resource, group, name));

/** 404 for a resource or subresource that is not served. */
export const unknownResource = (): StatusError =>
  error(404, "NotFound", "the server could not find the requested resource", {});

/** 422 for a patch that cannot be applied. */
export const unpatchable = (): StatusError =>
  error(422, "Invalid", "the server rejected our request due to an error in our request", {});

/** 409 for a create. */
export const alreadyExists = (resource: string, group: string, name: string): StatusError =>
  error(409, "AlreadyExists", `${qualified(resource, group)} "${name}" already exists`, subject(resource, group, name));

/** 409 for a write that names another version or uid than the stored one. */
export const conflict = (resource: string, group: string, name: string, why: string): StatusError =>
  error(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(resource, group)} "${name}": ${why}`,
    subject(resource, group, name),
  );

/** 422: the object is wrong, one cause per field. */
export function invalid(kind: string, group: string, name: string, causes: readonly Cause[]): StatusError {
  const words = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = words.length === 1 ? words[0]! : `[${words.join(", ")}]`;
  return error(422, "Invalid", `${qualified(kind, group)} "${name}" is invalid: ${list}`, {
    ...(name && { name }),
    ...(group && { group }),
    kind,
    causes: causes.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

/** 410 for versions that are no longer kept; `metadata.continue` lets an expired list go on inconsistently. */
export const expired = (message: string, metadata?: Json): StatusError =>
  error(410, "Expired", message, undefined, metadata);

/** 504 for a version the server has not reached. */
export const tooLarge = (asked: string, current: string): StatusError =>
  error(504, "Timeout", `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });

/** 401. */
export const unauthorized = (): StatusError => error(401, "Unauthorized", "Unauthorized");

/** 403 with the apiserver's words, which name the missing rule. */
export function forbidden(
  user: string,
  verb: string,
  resource: string,
  group: string,
  namespace: string | undefined,
  name: string | undefined,
): StatusError {
  const scope = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const what = name ? `${qualified(resource, group)} "${name}"` : qualified(resource, group);
  const message = `${what} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" ${scope}`;
  return error(403, "Forbidden", message, subject(resource, group, name ?? ""));
}

/** 403 for a create in a namespace that is going away. */
export function terminating(resource: string, group: string, name: string, namespace: string): StatusError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return error(403, "Forbidden", `${qualified(resource, group)} "${name}" is forbidden: ${why}`, {
    ...subject(resource, group, name),
    causes: [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  });
}

/** 405. */
export const methodNotAllowed = (): StatusError =>
  error(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});

/** 406 for clients that take neither JSON nor YAML. */
export const notAcceptable = (): StatusError =>
  error(
    406,
    "NotAcceptable",
    "only the following media types are accepted: application/json, application/yaml, application/json;stream=watch",
  );

/** 415 for bodies and patches of a type this server does not read. */
export const unsupportedMedia = (accepted: readonly string[]): StatusError =>
  error(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );
