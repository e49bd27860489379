/** How an upstream is spoken to: a WebSocket begins as a request in http or https. */
export const upstreamScheme = (scheme: "http" | "https" | "ws" | "wss" | undefined): "http" | "https" =>
  scheme === "https" || scheme === "wss" ? "https" : "http";
