import { TEMPLATE_PARTS } from "../routing/template.ts";
import { MIDDLEWARE_HELP } from "./middleware-help.ts";

/**
 * What a key is for, in a sentence or two for editors: beside it stands what its value must be, in the words of the
 * loader. By the key's place as `placeOf` of the JSON Schema has it: `[]` for every index, a cluster's keys as if there
 * were one, what `defaults` has at the routes', what a route asks of query and cookies at its headers'. Defaults stand in the
 * schema, or (`by default …`) here where they are no value.
 */
export const HELP: Readonly<Record<string, string>> = {
  server: "How this gateway takes requests.",
  "server.listen": "Where requests are taken.",
  "server.listen.host": "The address or name to listen on.",
  "server.listen.port": "0 lets the system choose.",
  "server.tls": "Certificates of the listener, chosen by the name a client asks for (SNI).",
  "server.tls.cert_file":
    "The certificate that clients are shown, with those between it and its authority. Read again when the file changes.",
  "server.tls.key_file": "The private key of that certificate.",
  "server.tls.server_name":
    "Clients that ask for this name (SNI) are shown this certificate; by default the names in the certificate.",
  "server.http2": "HTTP/2; only with tls.",
  "server.http3": "HTTP/3 beside it; only with tls.",
  "server.redirect_http": "A port for plain HTTP whose requests are redirected to https.",
  "server.workers": "Threads that share the listener; auto: one for each processor.",
  "server.trusted_proxies": "Proxies in front of this one whose X-Forwarded-* and Forwarded headers are believed.",
  "server.limits": "Limits of requests.",
  "server.limits.header_bytes": "Bytes of all headers together; more is a 431.",
  "server.limits.headers": "Number of headers; more is a 431.",
  "server.limits.url_bytes": "Bytes of path and query; more is a 414.",
  "server.limits.body_bytes": "Bytes of a body; more is a 413. 0 is no limit.",
  "server.limits.body_rate":
    "Bytes a second that the client of a body under way sends at least; fewer is a 408. 0 is no limit.",
  "server.limits.body_window": "How long the gateway has to have waited for too few bytes.",
  "server.paths":
    "How a path with a backslash, %5C, %2F, two slashes or a semicolon is read: reject answers 400 where that decides on the route.",
  "server.underscore_headers":
    "Header names with _ (or a dot and its like), which many servers take for the same name with -: those that would pass for one the gateway writes never do.",
  "server.via": "Adds Via to requests and answers (RFC 9110 section 7.6.3).",
  "server.upstream_headers": "Answers carry x-podway-upstream and x-podway-upstream-status.",
  "server.zone": "The zone this runs in: endpoints hinted to it are preferred.",
  "server.access_log": "One line for each request on standard output.",
  "server.log_level": "What is said on standard error.",
  "server.drain_delay": "After SIGTERM, how long connections are still accepted.",
  "server.drain": "After SIGTERM, how long requests in flight may take.",
  admin: "The admin API: health, metrics, discovery, the console.",
  "admin.listen": "Where the admin API is; not on loopback it needs a token.",
  "admin.token": "Asked for as Authorization: Bearer.",
  discovery: "Where services are found.",
  "discovery.kubernetes": "The clusters whose services routes may name.",
  "discovery.kubernetes.id": "What service references begin with.",
  "discovery.kubernetes.service": "Where the apiserver is; in a pod it is known.",
  "discovery.kubernetes.service.schema": "The protocol of the apiserver; http is unencrypted.",
  "discovery.kubernetes.service.host": "In a pod ${KUBERNETES_SERVICE_HOST}.",
  "discovery.kubernetes.service.port": "In a pod ${KUBERNETES_SERVICE_PORT}.",
  "discovery.kubernetes.service.ssl_verify":
    "Whether the apiserver's certificate is checked (APISIX's default is false).",
  "discovery.kubernetes.service.ca_file": "In a pod the service account's ca.crt.",
  "discovery.kubernetes.service.server_name":
    "The name that the apiserver's certificate must have; by default its host.",
  "discovery.kubernetes.service.proxy":
    "A forward proxy to the apiserver; by default HTTPS_PROXY or HTTP_PROXY of the environment, save NO_PROXY. Never used for this machine.",
  "discovery.kubernetes.client": "Who this is to the apiserver; in a pod its service account.",
  "discovery.kubernetes.client.token": "Sent as Authorization: Bearer.",
  "discovery.kubernetes.client.token_file": "Read again at least every minute, and at once on a 401.",
  "discovery.kubernetes.client.cert_file": "Shown to the apiserver; read again when the file changes.",
  "discovery.kubernetes.client.key_file": "The private key of cert_file.",
  "discovery.kubernetes.client.kubeconfig":
    "Server, CA, token, certificate, exec plugins, proxy-url and namespace are taken from it; several files are merged as kubectl does.",
  "discovery.kubernetes.client.context": "Which context of the kubeconfig counts; by default its current-context.",
  "discovery.kubernetes.namespace_selector": "Which namespaces count: exactly one of its keys.",
  "discovery.kubernetes.namespace_selector.equal": "Only this namespace.",
  "discovery.kubernetes.namespace_selector.not_equal": "Every namespace but this one.",
  "discovery.kubernetes.namespace_selector.match": "Namespaces whose whole name one of these matches.",
  "discovery.kubernetes.namespace_selector.not_match": "All but namespaces whose whole name one of these matches.",
  "discovery.kubernetes.namespaces": "Only these, each listed and watched on its own: a Role in each is enough.",
  "discovery.kubernetes.label_selector": "Only Endpoints or EndpointSlices with these labels.",
  "discovery.kubernetes.default_weight": "Weight of a node; 0 takes no new traffic while others have weight.",
  "discovery.kubernetes.watch_endpoint_slices": "Reads EndpointSlices instead of Endpoints.",
  "discovery.kubernetes.shared_size": "APISIX's key: above this estimate of the snapshot there is a warning.",
  "discovery.kubernetes.namespace":
    "Namespace of a service reference that names none; by default the pod's own, else default.",
  "discovery.kubernetes.mode":
    "How the cluster is followed: watch, poll, request (asked for each request), or auto: watch, and poll while watches break.",
  "discovery.kubernetes.poll_interval": "Time between two polls.",
  "discovery.kubernetes.max_stale":
    "An older snapshot has to be refreshed before it is used. 0: the last good one is used for ever.",
  "discovery.kubernetes.watch_idle": "A watch that is silent for longer is opened again.",
  "discovery.kubernetes.watch_timeout_seconds":
    "APISIX's key: how long one watch may last before it is asked for again; by default 240 to 290, and never more than 290.",
  "discovery.kubernetes.watch_jitter_seconds": "APISIX's key: so much is added at random to watch_timeout_seconds.",
  "discovery.kubernetes.watch_retry_interval_seconds": "APISIX's key: the first pause after a failure, by default 0.5.",
  "discovery.kubernetes.watch_retry_max_seconds":
    "APISIX's key: the longest pause after failures in a row, by default 30.",
  "discovery.kubernetes.empty_grace": "How long the last nodes of a service that became empty are still used.",
  "discovery.kubernetes.address_family": "Which address of a dual-stack pod is used.",
  "discovery.kubernetes.resolve_service_ports":
    "Services are followed too, so that namespace/name:80 may mean the Service's own port.",
  "discovery.kubernetes.snapshot_file": "A new start serves from it until the first list is there.",
  "discovery.kubernetes.required": "Whether /readyz waits for this cluster.",
  defaults: "What every route has unless it says otherwise.",
  routes: "Which requests go where. The first in the Gateway API's precedence that matches takes a request.",
  "routes[].id": "By default the route's place in the list.",
  "routes[].priority": "Comes before every other precedence.",
  "routes[].hosts": "Hosts of requests, without port; *.example.org is every name below it. By default any.",
  "routes[].path": "A path matches by whole segments: /v1 is /v1, /v1/ and /v1/x, but not /v1x.",
  "routes[].path.exact": "The whole path.",
  "routes[].path.prefix": "By whole segments.",
  "routes[].path.template": "A path with named parts: {name} is one segment, {name*} whatever is left.",
  "routes[].path.optional_slash": "The template matches with and without a slash at the end of the path.",
  "routes[].path.ignore_case": "Matches in any case, and so do strip_prefix and rewrite_path.",
  "routes[].path.starts_with": "The first characters, wherever a segment ends.",
  "routes[].path.regex": "Found anywhere in the path unless it says ^ or $.",
  "routes[].paths": "How this route reads such paths, in place of server.paths.",
  "routes[].methods": "Methods of requests, taken literally: HEAD is not GET. By default any.",
  "routes[].headers": "Headers a request must have, each with the value that it must have: a text is the whole value.",
  "routes[].query":
    "Query parameters a request must have, each with the value that it must have, decoded: a text is the whole value.",
  "routes[].cookies": "Cookies a request must have, each with the value that it must have: a text is the whole value.",
  "routes[].headers{}.present": "true: it must be there, with any value. false: it must not be there.",
  "routes[].headers{}.in": "It must be one of these.",
  "routes[].headers{}.regex": "Found anywhere in the value unless it says ^ or $.",
  "routes[].headers{}.not": "It must be anything else, or not be there.",
  "routes[].headers{}.not.regex": "Not found anywhere in the value.",
  "routes[].headers{}.not.in": "None of these.",
  "routes[].strip_prefix": "Taken off the path: /v1/x becomes /x under /v1.",
  "routes[].rewrite_path": "How the path is changed on its way to the upstream.",
  "routes[].rewrite_path.replace_prefix": "Stands in place of the route's prefix path.",
  "routes[].rewrite_path.replace": "Stands in place of the whole path.",
  "routes[].rewrite_path.template": `A path made of the parts of the route's own template or named groups, and of the request's: ${TEMPLATE_PARTS}.`,
  "routes[].rewrite_path.regex":
    "The first place in the path where this is found is replaced by to; where it is not found the path stays.",
  "routes[].rewrite_path.to": "In place of what regex finds; $1 is its first group, $<name> one with a name.",
  "routes[].request_query": "Changes of the query an upstream gets.",
  "routes[].request_query.set": `In place of all parameters of that name; a list is as many parameters. In values stand parts of the route's own path template, and of the request: ${TEMPLATE_PARTS}.`,
  "routes[].request_query.remove": "Parameters that are taken out.",
  "routes[].service": "Requests go to the nodes of this service.",
  "routes[].services": "Requests or connections are shared among these services by their weights.",
  "routes[].services[].service": "Its share goes to the nodes of this service.",
  "routes[].services[].weight":
    "Its share among the services of its priority. 0 takes no new ones while others have weight.",
  "routes[].services[].priority":
    "Failover: a service of a lower priority is used only while none of a higher one has an address that takes traffic.",
  "routes[].nodes": "Requests or connections go to these addresses: no discovery.",
  "routes[].nodes[].host": "Its address; a name is resolved when a connection is made.",
  "routes[].nodes[].port": "Its port.",
  "routes[].nodes[].weight":
    "Its share among the nodes of its priority. 0 takes no new traffic while others have weight.",
  "routes[].nodes[].priority":
    "Failover: a node of a lower priority is used only while none of a higher one takes traffic.",
  "routes[].cluster": "The cluster, where the service reference names none.",
  "routes[].namespace":
    "The namespace, where the service reference names none; by default the cluster's namespace key.",
  "routes[].port_name": "Which port of the service, by its name, where the reference names none.",
  "routes[].scheme":
    "How upstreams are spoken to, by default http; WebSockets follow from it. Where nothing else names a port, it is the one of this name; ws is http, and wss is https.",
  "routes[].upstream_tls":
    "Trust and identity where upstreams are spoken to with TLS: by a route with scheme: https, by a stream that has this key.",
  "routes[].upstream_tls.verify":
    "Whether the upstream's certificate is checked: its authority, its name and its times.",
  "routes[].upstream_tls.ca_file": "The authorities that are trusted, in place of the system's.",
  "routes[].upstream_tls.server_name":
    "The name that is asked for (SNI) and that the certificate must have; by default the node's address.",
  "routes[].upstream_tls.cert_file": "The certificate that is shown to the upstream (mutual TLS); by default none.",
  "routes[].upstream_tls.key_file": "The private key of cert_file.",
  "routes[].pass_host":
    "The Host an upstream gets. pass: the client's. node: the node's address and port. rewrite: upstream_host.",
  "routes[].upstream_host": "The Host an upstream gets with pass_host: rewrite; without that it means nothing.",
  "routes[].balancer":
    "How a node is chosen. round_robin: in turn, by weight. least_requests: of two drawn by weight the one with fewer requests under way. random: drawn by weight.",
  "routes[].balancer.consistent_hash":
    "Requests with the same value of this go to the same node; one that has none goes by its client's address.",
  "routes[].balancer.consistent_hash.header": "By this header.",
  "routes[].balancer.consistent_hash.cookie": "By this cookie.",
  "routes[].balancer.consistent_hash.query": "By this query parameter.",
  "routes[].balancer.consistent_hash.client_ip": "By the client's address.",
  "routes[].balancer.sticky_cookie":
    "A cookie keeps a client on its node. The gateway sets it with Path=/; HttpOnly; SameSite=Lax, with Secure where the client came by https, and without an end: it lasts as long as the browser's session.",
  "routes[].balancer.sticky_cookie.name": "The cookie's name.",
  "routes[].timeouts": "How long each part of a request may take; 0 is without limit.",
  "routes[].timeouts.connect": "To a connection.",
  "routes[].timeouts.try":
    "Of one attempt, to the answer's headers. What is tried again then, retries.on says: timeout.",
  "routes[].timeouts.response": "Of all attempts, to the answer's headers, from the last byte of the request's body.",
  "routes[].timeouts.idle": "How long a body may be silent.",
  "routes[].retries": "When a request is tried on another address.",
  "routes[].retries.attempts": "Tries in all, the first one included. With all, every address is tried.",
  "routes[].retries.on":
    "connect: nothing was sent. reset: lost before the answer's first byte. timeout: timeouts.try has passed. 500, 502, 503, 504: a pod itself answered so. All but connect need a method that may be repeated (GET, HEAD, OPTIONS, PUT, DELETE) and a request without a body.",
  "routes[].keepalive": "When a connection to an upstream is given up between two requests.",
  "routes[].keepalive.requests": "Requests it carries. 0 is without limit.",
  "routes[].keepalive.age": "Time since it was made. 0 is without limit.",
  "routes[].keepalive.idle":
    "Time without a request; by default as long as the upstream's Keep-Alive tells, else 4000.",
  "routes[].health": "How nodes that fail are found.",
  "routes[].health.passive": "A node whose requests fail is left out for a while; on unless it is false.",
  "routes[].health.passive.failures": "Failures in a row until it is left out.",
  "routes[].health.passive.eject":
    "How long it is left out the first time. Doubles while it goes on failing, when one failure is enough, up to 30 times or 5 minutes.",
  "routes[].health.active": "Nodes are asked by GET whether they are well; off by default.",
  "routes[].health.active.path": "What is asked for, its query included.",
  "routes[].health.active.interval": "Between two probes of a node.",
  "routes[].health.active.timeout": "How long a probe may take; a longer one is bad.",
  "routes[].health.active.healthy": "Good probes in a row until a node is used again.",
  "routes[].health.active.unhealthy": "Bad probes in a row until a node is left out.",
  "routes[].health.active.host": "The probe's Host; by default the node's address.",
  "routes[].health.active.statuses": "Statuses that are good; by default 200 to 399.",
  "routes[].request_headers": "Changes of the headers an upstream gets.",
  "routes[].request_headers.set":
    "In place of what is there; a list is as many headers of that name. false: what defaults change of this header does not count.",
  "routes[].request_headers.add":
    "Beside what is there; a list is as many headers of that name. false: what defaults change of this header does not count.",
  "routes[].request_headers.remove": "Taken out, after set and add.",
  "routes[].response_headers": "Changes of the headers a client gets.",
  "routes[].response_headers.set":
    "In place of what is there; a list is as many headers of that name. false: what defaults change of this header does not count.",
  "routes[].response_headers.add":
    "Beside what is there; a list is as many headers of that name. false: what defaults change of this header does not count.",
  "routes[].response_headers.remove": "Taken out, after set and add.",
  "routes[].redirect":
    "The route answers by itself with this Location: it needs one of scheme, host, port, path, or a location.",
  "routes[].redirect.status": "301 and 308 are for good, the others for now; 307 and 308 keep the method.",
  "routes[].redirect.scheme": "By default the request's own.",
  "routes[].redirect.host": "By default the request's own.",
  "routes[].redirect.port": "By default the port of scheme where that is given, else the request's own.",
  "routes[].redirect.location":
    "The whole Location, made of parts of the request, in place of scheme, host, port and path.",
  "routes[].redirect.regex":
    "Only with location, which stands in place of what this finds in the path; $1 in it is the first group. A request in whose path it finds nothing is left to other routes.",
  "routes[].redirect.path":
    "By default the request's own. A text is the whole path; the query stays unless it has its own.",
  "routes[].redirect.path.replace": "Stands in place of the whole path; the query stays unless this has its own.",
  "routes[].redirect.path.replace_prefix": "Stands in place of the route's prefix path.",
  "routes[].middleware":
    "What requests go through first, in this order. One that defaults have too stands in its place; NAME: false takes it away.",
  streams: "TCP listeners whose connections go to a service.",
  "streams[].id": "By default the address it listens on.",
  "streams[].listen": "Where connections are taken.",
  "streams[].service": "Connections go to the nodes of this service.",
  "streams[].balancer":
    "How a node is chosen. round_robin: in turn, by weight. least_requests: of two drawn by weight the one with fewer connections. random: drawn by weight.",
  "streams[].balancer.consistent_hash": "Connections of the same client go to the same node.",
  "streams[].balancer.consistent_hash.client_ip": "By the client's address.",
  "streams[].timeouts": "How long each part of a connection may take; 0 is without limit.",
  "streams[].timeouts.connect": "To one address, TLS included.",
  "streams[].timeouts.idle": "How long a connection may be silent both ways.",
  "streams[].retries": "Trying other addresses until one connects.",
  "streams[].retries.attempts": "Addresses tried in all, the first one included.",
  "streams[].health": "How nodes that fail are found.",
  "streams[].health.passive": "A node that cannot be connected to is left out for a while; on unless it is false.",
  "streams[].health.passive.failures": "Failures to connect in a row until it is left out.",
  "streams[].health.passive.eject":
    "How long it is left out the first time. Doubles while it goes on failing, when one failure is enough, up to 30 times or 5 minutes.",
  "streams[].health.active": "Connecting to every node again and again; off by default.",
  "streams[].health.active.interval": "Between two probes of a node.",
  "streams[].health.active.timeout": "How long a probe may take; a longer one is bad.",
  "streams[].health.active.healthy": "Good probes in a row until a node is used again.",
  "streams[].health.active.unhealthy": "Bad probes in a row until a node is left out.",
  "streams[].proxy_protocol":
    "Tells the upstream the client's address in this version of HAProxy's protocol; by default not.",
  "streams[].max_connections": "Connections at a time; more are closed at once. By default without limit.",
  tracing: "Spans of requests, sent by OTLP over HTTP.",
  "tracing.otlp_endpoint": "Where spans are sent: to /v1/traces below it, unless it ends so itself.",
  "tracing.sample": "The share of requests that begin a trace.",
  "tracing.headers": "Sent with every export.",
  ...MIDDLEWARE_HELP,
};
