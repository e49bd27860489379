import { until } from "../../helpers/wait.ts";
import { runTool } from "../../real/harness/run-tool.ts";

/**
 * A second network namespace behind a virtual cable: the test (apiserver and pods) at one end, the gateway at the other.
 * It must run as root, in a network namespace of its own: what it sets up dies with that.
 */
export interface TwoNamespaces extends AsyncDisposable {
  /** The address of this end; pods may use the others of its network, up to .99. */
  readonly near: string;
  /** The address of the gateway's end. */
  readonly far: string;
  /** Put before a command, it runs there. */
  readonly prefix: readonly string[];
  /** Connections of the other end to this port here that are established, as `host:port` of the other end. */
  connectionsTo(port: number): Promise<string[]>;
  /** From now on packets of these connections vanish, in both directions: nobody gets a FIN or an RST. */
  forget(connections: readonly string[], port: number): Promise<void>;
  /** All packets to and from this port vanish. Returns what ends that. */
  blackOut(port: number): Promise<() => Promise<void>>;
  /** Packets that vanished so far. */
  vanished(): Promise<number>;
}

/** Set in the environment of tests that run in a network namespace of their own. */
export const OWN_NETWORK = "PODWAY_OWN_NETWORK";

const NEAR = "10.99.0.1";
const FAR = "10.99.0.200";

const sh = (script: string): Promise<string> => runTool(["sh", "-ec", script]);

/** Lays the cable. Rejects where there is any other network than a fresh namespace's loopback. */
export async function layCable(): Promise<TwoNamespaces> {
  const links = (await sh("ip -o link show up")).trim().split("\n");
  if (links.some((link) => !link.includes(": lo:"))) {
    throw new Error("packets are lost in a network namespace of its own only: run it by `bun run test:faults`");
  }
  const holder = Bun.spawn(["unshare", "--net", "sleep", "3600"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const own = await sh("readlink /proc/self/ns/net");
  await until(async () => (await sh(`readlink /proc/${holder.pid}/ns/net`)) !== own, {
    message: "the second namespace",
  });
  const prefix = ["nsenter", "--net", "--target", String(holder.pid)];
  const pods = Array.from({ length: 9 }, (_, i) => `ip addr add 10.99.0.${11 + i}/24 dev near`).join("; ");
  await sh(
    `ip link add near type veth peer name far; ip link set far netns ${holder.pid}; ip addr add ${NEAR}/24 dev near; ${pods}; ip link set near up`,
  );
  await sh(`${prefix.join(" ")} sh -ec 'ip link set lo up; ip addr add ${FAR}/24 dev far; ip link set far up'`);

  const rules = (action: "-I" | "-D", port: number, peerPort?: string): string => {
    const [from, to] = peerPort === undefined ? ["", ""] : [`--sport ${peerPort}`, `--dport ${peerPort}`];
    return [
      `iptables ${action} INPUT -i near -p tcp --dport ${port} ${from} -j DROP`,
      `iptables ${action} OUTPUT -o near -p tcp --sport ${port} ${to} -j DROP`,
    ].join("; ");
  };
  return {
    near: NEAR,
    far: FAR,
    prefix,
    async connectionsTo(port) {
      const lines = await sh(`ss -tnH state established sport = :${port}`);
      return lines
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.trim().split(/\s+/).at(-1)!);
    },
    async forget(connections, port) {
      for (const connection of connections) await sh(rules("-I", port, connection.split(":").at(-1)));
    },
    async blackOut(port) {
      await sh(rules("-I", port));
      return async () => void (await sh(rules("-D", port)));
    },
    async vanished() {
      const lines = (await sh("iptables -nvxL"))
        .split("\n")
        .filter((line) => line.includes("DROP") && !line.startsWith("Chain"));
      return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[0]), 0);
    },
    async [Symbol.asyncDispose]() {
      await sh("ip link del near; iptables -F");
      holder.kill("SIGKILL");
      await holder.exited;
    },
  };
}
