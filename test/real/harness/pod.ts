/**
 * A pod: `bun pod.ts ADDRESS PORT NAME` answers every request with its name and what it was asked.
 */
const [address, port, podName] = process.argv.slice(2);

Bun.serve({
  hostname: address!,
  port: Number(port),
  fetch: (request) => {
    const { pathname, search } = new URL(request.url);
    return Response.json({ pod: podName, path: pathname + search });
  },
});
process.stdout.write("listening\n");

export {};
