/** The floor: the least that Bun can do and still be a proxy. `bun bare.ts PORT BACKEND`. */
const backend = process.argv[3]!;

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  idleTimeout: 0,
  fetch(request) {
    const { url, method, headers, body } = request;
    const path = url.slice(url.indexOf("/", 8));
    return fetch(backend + path, { method, headers, body, redirect: "manual", decompress: false });
  },
});

export {};
