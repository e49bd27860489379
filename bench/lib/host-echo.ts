/** A pod on every loopback address that says where it was asked: `bun host-echo.ts PORT`. */
Bun.serve({
  hostname: "0.0.0.0",
  port: Number(process.argv[2]),
  idleTimeout: 0,
  fetch: (request) => new Response(request.headers.get("host")),
});

export {};
