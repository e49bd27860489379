/**
 * Clients that hold on to what they get, in a process of their own: `bun attackers.ts PORT '{"half-heads": 5000, …}'`. Writes
 * a line of JSON twice a second: of each kind how many connections are open, how many were refused or have been closed, and the
 * longest time in ms that one of them lived.
 */
import process from "node:process";
import type { Socket } from "bun";

/** What a kind sends first, what it drips, and whether it reads. */
interface Kind {
  readonly first: string;
  /** Sent every two seconds. */
  readonly drip?: string;
  readonly reads: boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  "half-heads": { first: "GET / HTTP/1.1\r\nHost: x\r\nX-A: a", reads: true },
  silent: { first: "", reads: true },
  uploads: { first: "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n", drip: "x", reads: true },
  readers: { first: "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", reads: false },
};
const DRIP_MS = 2000;
/** So many connections are being made at a time. */
const AT_ONCE = 100;

interface Report {
  open: number;
  closed: number;
  refused: number;
  longest: number;
}

const [port, counts] = [Number(process.argv[2]), JSON.parse(process.argv[3]!) as Record<string, number>];
const reports: Record<string, Report> = {};
const dripping = new Set<Socket<undefined>>();

async function attack(name: string, kind: Kind, count: number): Promise<void> {
  const report: Report = { open: 0, closed: 0, refused: 0, longest: 0 };
  reports[name] = report;
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      let began = 0;
      await Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          open(socket) {
            began = performance.now();
            report.open++;
            if (!kind.reads) socket.pause();
            if (kind.first !== "") socket.write(kind.first);
            if (kind.drip !== undefined) dripping.add(socket as unknown as Socket<undefined>);
          },
          data() {},
          // The gateway ends its side: so does an honest client.
          end(socket) {
            socket.end();
          },
          error() {},
          close(socket) {
            dripping.delete(socket as unknown as Socket<undefined>);
            report.open--;
            report.closed++;
            report.longest = Math.max(report.longest, performance.now() - began);
          },
        },
      }).catch(() => {
        report.refused++;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, AT_ONCE) }, one));
}

setInterval(() => {
  for (const socket of dripping) socket.write("x");
}, DRIP_MS);
setInterval(() => process.stdout.write(`${JSON.stringify(reports)}\n`), 500);
await Promise.all(Object.entries(counts).map(([name, count]) => attack(name, KINDS[name]!, count)));
