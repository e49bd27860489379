import type { Attributes } from "./span.ts";

/** `key=value,key=value`, percent-encoded (OpenTelemetry: Resource SDK). A pair that is none is left out. */
function attributesOf(text: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of text.split(",")) {
    const equals = pair.indexOf("=");
    if (equals <= 0) continue;
    try {
      attributes[pair.slice(0, equals).trim()] = decodeURIComponent(pair.slice(equals + 1).trim());
    } catch {
      // Not percent-encoded as it should be: no value is better than a wrong one.
    }
  }
  return attributes;
}

/** Whose spans these are: `podway`, or what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, in this order. */
export const createResource = (env: Readonly<Record<string, string | undefined>>, version: string): Attributes => ({
  "telemetry.sdk.name": "podway",
  "telemetry.sdk.language": "nodejs",
  "telemetry.sdk.version": version,
  "service.name": "podway",
  "service.version": version,
  "service.instance.id": crypto.randomUUID(),
  ...attributesOf(env.OTEL_RESOURCE_ATTRIBUTES ?? ""),
  ...(env.OTEL_SERVICE_NAME && { "service.name": env.OTEL_SERVICE_NAME }),
});
