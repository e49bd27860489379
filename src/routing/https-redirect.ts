import { responseOf } from "../http/fetch/message.ts";
import { problem } from "../http/problem.ts";

const AUTHORITY = /^(?<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?<port>:[0-9]{0,5})?$/;

/** An https URL's scheme and authority; 443 is left out. */
export const httpsLocation = (host: string, port: number): string =>
  port === 443 ? `https://${host}` : `https://${host}:${port}`;

/**
 * `server.redirect_http`: sends every request to the same URL with https (308: the method stays, RFC 9110 section
 * 15.4.9). `http` and `https` are the ports of the two listeners. A client that names no port although `http` is not 80
 * came through a mapping of ports, which then maps 443 as well.
 */
export function httpsRedirect({ http, https }: { http: number; https: number }): (request: Request) => Response {
  return (request) => {
    const { host, port } = AUTHORITY.exec(request.headers.get("host") ?? "")?.groups ?? {};
    if (host === undefined) {
      const headers = { connection: "close" };
      return responseOf(problem("bad_request", "The Host header is not one host with an optional port", { headers }));
    }
    const mapped = port === undefined && http !== 80;
    const { url } = request;
    const target = url.slice(url.indexOf("/", url.indexOf("://") + 3));
    const location = httpsLocation(host, mapped ? 443 : https) + target;
    return new Response(null, { status: 308, headers: { location, "content-length": "0" } });
  };
}
