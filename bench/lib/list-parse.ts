/** Fetches the whole list in pages and parses it, and nothing else: `bun list-parse.ts SERVER`. */
let token = "";
let items = 0;
do {
  const page = await fetch(`${process.argv[2]}/apis/discovery.k8s.io/v1/endpointslices?limit=500&continue=${token}`);
  const list = JSON.parse(await page.text()) as { metadata: { continue?: string }; items: unknown[] };
  items += list.items.length;
  token = list.metadata.continue ?? "";
} while (token !== "");
process.stdout.write(`${items}\n`);

export {};
