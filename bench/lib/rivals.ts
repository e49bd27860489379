import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the configurations of other proxies are made from. */
export interface Rival {
  /** Ports: plain, plain with an access log, with TLS. */
  readonly plain: number;
  readonly log: number;
  readonly tls: number;
  /** The pod's port. */
  readonly backend: number;
  readonly routes: number;
  /** For logs and pid files. */
  readonly folder: string;
}

export const CERTIFICATE = join(import.meta.dir, "../../test/fixtures/tls/server.crt");
export const KEY = join(import.meta.dir, "../../test/fixtures/tls/server.key");

/** As many connections to the pod are kept as there may be requests at once. */
const KEPT = 1024;

/** What nginx sets for the pod: the same fields as the gateway. */
const NGINX_FIELDS = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Real-IP $remote_addr;`;

/** One worker, a location for each route, a line as long as the gateway's in the log. */
export function NGINX_CONFIG({ plain, log, tls, backend, routes, folder }: Rival): string {
  const locations = Array.from({ length: routes }, (_, i) => `location /r${i}/ { proxy_pass http://pod; }`);
  writeFileSync(join(folder, "nginx-locations.conf"), locations.join("\n"));
  const line = ["msec", "request_id", "request_method", "host", "uri", "upstream_addr", "status", "upstream_status"];
  const more = ["request_time", "upstream_response_time", "body_bytes_sent", "remote_addr"];
  const format = [...line, ...more].map((name) => `"${name}":"$${name}"`).join(",");
  const server = (listen: string, rest: string): string => `server { listen 127.0.0.1:${listen}; ${rest}
  ${NGINX_FIELDS} include ${join(folder, "nginx-locations.conf")}; }`;
  return `worker_processes 1; daemon off; error_log /dev/null; pid ${join(folder, "nginx.pid")};
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  log_format json escape=json '{${format}}';
  upstream pod { server 127.0.0.1:${backend}; keepalive ${KEPT}; keepalive_requests 1000000000; }
  ${server(String(plain), "")}
  ${server(String(log), `access_log ${join(folder, "nginx-access.log")} json;`)}
  ${server(`${tls} ssl http2`, `ssl_certificate ${CERTIFICATE}; ssl_certificate_key ${KEY};`)}
}`;
}

/** One thread. */
export function HAPROXY_CONFIG({ plain, log, tls, backend, folder }: Rival): string {
  const pem = join(folder, "haproxy.pem");
  writeFileSync(pem, readFileSync(CERTIFICATE, "utf8") + readFileSync(KEY, "utf8"));
  return `global
  nbthread 1
  maxconn 4000
  log stdout format raw local0
defaults
  mode http
  option http-keep-alive
  option forwardfor
  http-reuse always
  timeout connect 2s
  timeout client 600s
  timeout server 60s
  default_backend pod
frontend plain
  bind 127.0.0.1:${plain}
  http-request set-header X-Forwarded-Proto http
frontend logged
  bind 127.0.0.1:${log}
  log global
  option httplog
  http-request set-header X-Forwarded-Proto http
frontend secure
  bind 127.0.0.1:${tls} ssl crt ${pem} alpn h2,http/1.1
  http-request set-header X-Forwarded-Proto https
backend pod
  server pod 127.0.0.1:${backend} pool-max-conn -1
`;
}

/** Without a file: it stays a peer for the plain cases. */
export const CADDYFILE = ({ plain, log, tls, backend, folder }: Rival): string => `{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://127.0.0.1:${plain} {
  reverse_proxy 127.0.0.1:${backend}
}
http://127.0.0.1:${log} {
  log {
    output file ${join(folder, "caddy-access.log")}
  }
  reverse_proxy 127.0.0.1:${backend}
}
https://127.0.0.1:${tls} {
  tls ${CERTIFICATE} ${KEY}
  reverse_proxy 127.0.0.1:${backend}
}
`;
