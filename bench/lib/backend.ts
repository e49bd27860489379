/** The pod behind every proxy: `bun backend.ts PORT`. */
const hello = "hello world\n";
const large = "x".repeat(100_000);

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  async fetch(request) {
    if (request.method === "POST") return new Response(String((await request.bytes()).length));
    return new Response(request.url.endsWith("/large") ? large : hello);
  },
});
