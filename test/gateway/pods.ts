/** A request that reached a pod. */
export interface Received {
  readonly pod: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
}

/** A pod that really listens. Answers with its name unless told otherwise. */
export interface Pod extends AsyncDisposable {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly received: Received[];
  stop(): Promise<void>;
}

type Answer = (request: Request, pod: string) => Response | Promise<Response>;

const PORT_TRIES = 10;

function start(name: string, ip: string, port: number, answer: Answer): Pod {
  const received: Received[] = [];
  const server = Bun.serve({
    hostname: ip,
    port,
    idleTimeout: 0,
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      received.push({ pod: name, method: request.method, target: pathname + search, headers: request.headers });
      return answer(request, name);
    },
  });
  const stop = (): Promise<void> => server.stop(true);
  return { name, ip, port: server.port!, received, stop, [Symbol.asyncDispose]: stop };
}

/** Pods that share one port on 127.0.0.2 and up, as the pods of a service do. */
export interface Pods extends AsyncDisposable {
  readonly all: readonly Pod[];
  readonly port: number;
  /** Requests of all of them. */
  readonly received: readonly Received[];
}

/** Starts `count` pods, named `NAME-1` and up. */
export async function startPods(
  count: number,
  { name = "pod", answer = (_request, pod) => new Response(pod) }: { name?: string; answer?: Answer } = {},
): Promise<Pods> {
  for (let tries = 1; ; tries++) {
    const all: Pod[] = [];
    try {
      for (let index = 0; index < count; index++) {
        all.push(start(`${name}-${index + 1}`, `127.0.0.${index + 2}`, all[0]?.port ?? 0, answer));
      }
      return {
        all,
        port: all[0]!.port,
        get received() {
          return all.flatMap((pod) => pod.received);
        },
        [Symbol.asyncDispose]: async () => {
          await Promise.all(all.map((pod) => pod.stop()));
        },
      };
    } catch (error) {
      await Promise.all(all.map((pod) => pod.stop()));
      if (tries === PORT_TRIES) throw error;
    }
  }
}
