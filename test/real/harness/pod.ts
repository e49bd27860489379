/**
 * A pod: `bun pod.ts ADDRESS PORT NAME [MS]` answers every request, MS milliseconds later, with its name and what it was
 * asked.
 */
const [address, port, podName, thinks = "0"] = process.argv.slice(2);

Bun.serve({
  hostname: address!,
  port: Number(port),
  async fetch(request) {
    if (thinks !== "0") await Bun.sleep(Number(thinks));
    const { pathname, search } = new URL(request.url);
    return Response.json({ pod: podName, path: pathname + search });
  },
});
process.stdout.write("listening\n");

export {};
