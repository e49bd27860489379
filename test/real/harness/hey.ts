/** What `hey` told of its requests. */
export interface HeyReport {
  readonly requests: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without an answer, by the client's words for it. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface HeyOptions {
  readonly url: string;
  readonly seconds: number;
  readonly perSecond: number;
  readonly workers: number;
  /** More of its options, such as `-disable-keepalive`. */
  readonly args?: readonly string[];
}

const counts = (text: string, section: string, line: RegExp): Record<string, number> => {
  const part = text.split(`${section}:\n`)[1]?.split("\n\n")[0] ?? "";
  const found = [...part.matchAll(line)].map((match) => match.groups as { what: string; count: string });
  return Object.fromEntries(found.map(({ what, count }) => [what, Number(count)]));
};

/** Sends requests at a steady rate. Throws where `hey` is not installed or wrote what cannot be read. */
export async function hey({ url, seconds, perSecond, workers, args = [] }: HeyOptions): Promise<HeyReport> {
  const rate = ["-z", `${seconds}s`, "-c", String(workers), "-q", String(perSecond / workers)];
  const child = Bun.spawn(["hey", ...rate, ...args, url], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  const statuses = counts(text, "Status code distribution", /\[(?<what>\d+)\]\t(?<count>\d+) responses/g);
  const errors = counts(text, "Error distribution", /\[(?<count>\d+)\]\t(?<what>.*)/g);
  const requests = [statuses, errors].flatMap((all) => Object.values(all)).reduce((sum, count) => sum + count, 0);
  if (requests === 0) throw new Error(`hey told of no request:\n${text}`);
  return { requests, statuses, errors };
}
