/** The floor: the least that Bun can do and still be a proxy. `bun bare.ts PORT BACKEND [CERTIFICATE KEY]`. */
const [backend, cert, key] = [process.argv[3]!, process.argv[4], process.argv[5]];
const tls =
  cert === undefined || key === undefined ? {} : { tls: { cert: Bun.file(cert), key: Bun.file(key) }, http2: true };

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  idleTimeout: 0,
  ...tls,
  fetch(request) {
    const { url, method, headers, body } = request;
    const path = url.slice(url.indexOf("/", 8));
    return fetch(backend + path, { method, headers, body, redirect: "manual", decompress: false });
  },
});

export {};
