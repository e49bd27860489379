import type { Clock } from "../../base/clock.ts";

/** A call to the thread at the other end of a port. */
export interface RpcRequest {
  readonly kind: "call";
  readonly id: number;
  readonly method: string;
  readonly data: unknown;
}

/** Its result, or why there is none. */
export interface RpcResponse {
  readonly kind: "response";
  readonly id: number;
  readonly data?: unknown;
  readonly error?: string;
}

/** Calls to the thread at the other end of a port. */
export interface RpcClient {
  /**
   * Resolves with the result; rejects when the call failed, took longer than `timeout` milliseconds (0: no limit), or
   * the other side is gone.
   */
  call(method: string, data: unknown, timeout: number): Promise<unknown>;
  receive(response: RpcResponse): void;
  /** The other side is gone: every pending call rejects. */
  gone(): void;
}

/** Makes a client whose requests leave by `post`. */
export function createRpcClient(post: (request: RpcRequest) => void, clock: Clock): RpcClient {
  const pending = new Map<number, (response: Omit<RpcResponse, "kind">) => void>();
  let last = 0;
  let isGone = false;
  return {
    call(method, data, timeout) {
      if (isGone) return Promise.reject(new Error("the other side is gone"));
      const id = ++last;
      return new Promise((resolve, reject) => {
        const settle = (response: Omit<RpcResponse, "kind">): void => {
          pending.delete(id);
          cancel();
          if (response.error === undefined) resolve(response.data);
          else reject(new Error(response.error));
        };
        const late = (): void => settle({ id, error: `no answer to "${method}" within ${timeout} ms` });
        const cancel = timeout === 0 ? () => {} : clock.after(timeout, late);
        pending.set(id, settle);
        post({ kind: "call", id, method, data });
      });
    },
    receive: (response) => pending.get(response.id)?.(response),
    gone() {
      isGone = true;
      for (const [id, settle] of [...pending]) settle({ id, error: "the other side is gone" });
    },
  };
}

/** Answers a call with what `handler` returns, or with the message of what it throws. */
export async function answerCall(
  { id, method, data }: RpcRequest,
  handler: (method: string, data: unknown) => unknown,
  post: (response: RpcResponse) => void,
): Promise<void> {
  try {
    post({ kind: "response", id, data: await handler(method, data) });
  } catch (error) {
    post({ kind: "response", id, error: error instanceof Error ? error.message : String(error) });
  }
}
