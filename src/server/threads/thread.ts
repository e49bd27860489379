import { createHealthReplica } from "../../balancing/health/health-replica.ts";
import { systemClock } from "../../base/clock.ts";
import type { Logger, LogLevel } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import { createCluster } from "../../discovery/cluster.ts";
import { type ReplicaFeed, replicaFeed } from "../../discovery/feeds/replica.ts";
import { createGateway, type Gateway } from "../../gateway/gateway.ts";
import { createModules, type Modules, type ModuleUse } from "../../middleware/modules.ts";
import type { Files } from "../../platform/files.ts";
import type { Host } from "../../platform/host.ts";
import { ListenError } from "../../platform/listen.ts";
import type { Runtime } from "../../platform/runtime.ts";
import type { Port } from "../../platform/threads.ts";
import type { ServerCertificate } from "../../platform/tls.ts";
import { gatewayParts } from "../gateway-parts.ts";
import { workersOf } from "../http-limits.ts";
import { type LocalHttpListener, openHttpListener } from "../http-listener.ts";
import { logFaults } from "../uncaught.ts";
import { createPrimaryLink } from "./link.ts";
import type { ToPrimary, ToWorker, WorkerSetup } from "./messages.ts";
import { HANDLERS, type Methods } from "./methods.ts";
import { answerCall, createRpcClient, type RpcRequest } from "./rpc.ts";

/** What a worker finds around it. */
export interface WorkerWorld {
  readonly runtime: Runtime;
  readonly host: Host;
  readonly files: Files;
  /** Opens the port to the primary. */
  parent(receive: (message: unknown) => void): Port;
}

interface Begun {
  readonly setup: WorkerSetup;
  readonly gateway: Gateway;
  readonly modules: Modules;
  listener: LocalHttpListener | undefined;
}

const RANKS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** The user's modules that a config names. */
const moduleUsesOf = ({ routes }: Config): ModuleUse<string>[] =>
  routes.flatMap(({ middleware }) =>
    middleware.flatMap(({ use, options }) => {
      if (use === undefined) return [];
      return [{ use, options, issue: (sentence) => `${use} ${sentence}` }];
    }),
  );

async function loadModules(modules: Modules, config: Config): Promise<void> {
  const faults = await modules.load(moduleUsesOf(config));
  if (faults.length > 0) throw new Error(faults.join("; "));
  modules.use();
}

/**
 * One of several gateways of a process: it serves requests on the port all of them share, and has its clusters, its
 * config and its certificates from the primary. Runs until the primary ends it. An error it cannot survive is thrown,
 * and the primary starts another.
 */
export function runWorker({ runtime, host, files, parent }: WorkerWorld): void {
  const clock = systemClock;
  const health = createHealthReplica();
  const replicas: ReplicaFeed[] = [];
  let certificates: readonly ServerCertificate[] = [];
  let level = 0;
  let begun: Begun | undefined;
  let endFaults: (() => void) | undefined;
  /** Asynchronous work is done in the order of the messages. */
  let queue: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(work: () => T | Promise<T>): Promise<T> => {
    const done = queue.then(work);
    queue = done.catch(() => {});
    return done;
  };

  const port = parent((message) => {
    try {
      receive(message as ToWorker);
    } catch (error) {
      end(error);
    }
  });
  const post = (message: ToPrimary): void => port.post(message);
  const client = createRpcClient(post, clock);
  const link = createPrimaryLink(post, client);
  const logger: Logger = {
    log(of, message, fields) {
      if (RANKS.indexOf(of) >= level) post({ kind: "log", level: of, message, fields });
    },
  };

  function receive(message: ToWorker): void {
    switch (message.kind) {
      case "start":
        inOrder(() => begin(message.setup)).catch(end);
        break;
      case "listen":
        inOrder(() => {
          void listen(message.port).catch(end);
          health.mark(message.marks);
        }).catch(end);
        break;
      case "news":
        link.receive(message.feed, message.news);
        break;
      case "marks":
        health.mark(message.marks);
        break;
      case "certificates":
        certificates = message.certificates;
        renew();
        break;
      case "call":
        void answerCall(message, () => answer(message), post);
        break;
      case "response":
        client.receive(message);
    }
  }

  /** Ends this thread with an error that nothing catches. */
  function end(error: unknown): void {
    endFaults?.();
    queueMicrotask(() => {
      throw error;
    });
  }

  function renew(): void {
    try {
      begun?.listener?.renew(certificates);
    } catch (error) {
      logger.log("error", `${(error as Error).message}; the certificates before stay in force`);
    }
  }

  async function begin(setup: WorkerSetup): Promise<void> {
    const { config, file } = setup;
    certificates = setup.certificates;
    level = RANKS.indexOf(config.server.log_level);
    const modules = createModules(runtime.modules, file);
    endFaults = logFaults(host, modules, logger);
    await loadModules(modules, config);
    const gateway = createGateway({
      config,
      logger,
      ...gatewayParts({ runtime, host, files }, logger, modules),
      createCluster(cluster, zone) {
        const deps = { clock, random: Math.random, logger, zone, keepsJournal: false };
        const replica = createCluster(cluster, replicaFeed(link), deps);
        replicas.push(replica.feed);
        return replica;
      },
      health,
      checksReferences: false,
      writeAccessLog: post,
    });
    begun = { setup, gateway, modules, listener: undefined };
    const never = new AbortController().signal;
    await Promise.all(replicas.splice(0).map((replica) => replica.whenReceived(never)));
    post({ kind: "caught_up" });
  }

  async function listen(at: number): Promise<void> {
    const { setup, gateway } = begun!;
    const { server } = setup.config;
    const address = { ...server.listen, port: at };
    try {
      const listener = await openHttpListener({
        server: { ...server, listen: address },
        gateway,
        host,
        certificates,
        clock,
        threads: workersOf(server, host.threads),
      });
      begun!.listener = listener;
      post({ kind: "listening", port: listener.port });
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      post({ kind: "cannot_listen", why: error.message });
    }
  }

  function answer({ method, data }: RpcRequest): unknown {
    switch (method) {
      case "apply":
        return inOrder(async () => {
          const config = data as Config;
          await loadModules(begun!.modules, config);
          level = RANKS.indexOf(config.server.log_level);
          begun!.gateway.apply(config);
          begun!.listener?.setLimits(config.server);
          replicas.length = 0;
        });
      case "begin_drain":
        return inOrder(() => begun?.listener?.beginDrain(data as Config["server"]));
      case "stop":
        return inOrder(async () => {
          await begun?.listener?.stop(data as Config["server"]);
          await begun?.gateway.stop();
        });
      default:
        return begun && HANDLERS[method as keyof Methods](begun.gateway);
    }
  }
}
