/** The scheme of an upstream's requests: a WebSocket begins as a request in http or https. */
export const upstreamScheme = (scheme: "http" | "https" | "ws" | "wss" | undefined): "http" | "https" =>
  scheme === "https" || scheme === "wss" ? "https" : "http";
