import type { Clock } from "../../base/clock.ts";
import type { ClusterOptions } from "../../discovery/options.ts";
import { orAborted } from "../../kubernetes/abort-scope.ts";
import type { ApiserverConnection } from "../../kubernetes/connection.ts";
import { describeNetworkFailure, shorten } from "../../kubernetes/errors.ts";
import { type ApiAnswer, createSingleCall, type SingleCall } from "../../kubernetes/single-call.ts";
import { tokenClaims } from "../../kubernetes/token-claims.ts";
import type { ClusterReport } from "./report.ts";
import { checkRights } from "./rights.ts";

/** What asking a cluster takes. */
export interface ClusterCheckDeps {
  connect(config: ClusterOptions): Promise<ApiserverConnection>;
  readonly clock: Clock;
  /** Whether requests are to go to pods through the apiserver: that takes rights of its own. */
  readonly viaApiserver?: boolean | undefined;
  /** Ends everything: what is not known by then is a fault. */
  readonly signal: AbortSignal;
}

/** Tokens and certificates are judged by the clock: more than this apart, and they are judged wrongly. */
const SKEW_S = 60;

/** A token that ends within this time and is not renewed is worth a word. */
const SOON_MS = 24 * 60 * 60 * 1000;

/** Since this minor version Endpoints are deprecated. https://kubernetes.io/blog/2025/04/24/endpoints-deprecation/ */
const ENDPOINTS_DEPRECATED = 33;

const wordsOf = (error: unknown): string => shorten(error instanceof Error ? error.message : String(error));

type Draft = { -readonly [Key in keyof ClusterReport]: ClusterReport[Key] } & { faults: string[]; warnings: string[] };

const emptyReport = (id: string): Draft => ({
  id,
  server: null,
  tls: null,
  version: null,
  slices: [],
  user: null,
  tokenExpires: null,
  clockAhead: null,
  rights: [],
  rules: [],
  faults: [],
  warnings: [],
});

/**
 * Asks one cluster what the config needs of it: to be reached, trusted and understood, and to allow what is read there.
 * Never rejects; takes as long as the signal lets it.
 */
export async function checkCluster(config: ClusterOptions, deps: ClusterCheckDeps): Promise<ClusterReport> {
  const report = emptyReport(config.id);
  try {
    await fillReport(report, config, deps);
  } catch (error) {
    const reason = deps.signal.aborted ? deps.signal.reason : error;
    report.faults.push(`cannot be asked further: ${wordsOf(reason)}`);
  }
  return report;
}

async function fillReport(report: Draft, config: ClusterOptions, deps: ClusterCheckDeps): Promise<void> {
  const { clock, signal } = deps;
  let connection: ApiserverConnection;
  try {
    connection = await orAborted(signal, deps.connect(config));
  } catch (error) {
    signal.throwIfAborted();
    report.faults.push(`no connection can be made: ${wordsOf(error)}`);
    return;
  }
  report.server = connection.server;
  let authorization: string | undefined;
  try {
    authorization = await orAborted(signal, connection.credentials.authorization());
  } catch (error) {
    report.faults.push(`no credentials: ${wordsOf(signal.aborted ? signal.reason : error)}`);
    return;
  }
  const ask = createSingleCall(connection, clock);
  judgeToken(report, config, authorization, clock.now());
  let answer: ApiAnswer;
  try {
    answer = await ask("/version", signal);
  } catch (error) {
    report.faults.push(
      `cannot be reached: ${signal.aborted ? wordsOf(signal.reason) : describeNetworkFailure(error, connection.givesCa)}`,
    );
    return;
  }
  const secure = connection.server.startsWith("https:");
  report.tls = !secure ? "none" : connection.verifies === false ? "not_verified" : "verified";
  if (report.tls === "not_verified") report.warnings.push("its certificate is not verified");
  judgeClock(report, answer, clock.now());
  if (answer.status === 401) {
    report.faults.push("it does not accept the credentials (401)");
    return;
  }
  report.version = versionOf(answer);
  if (report.version === null && answer.status !== 403) {
    report.faults.push(`it answers /version like no apiserver (status ${answer.status})`);
    return;
  }
  const [rights] = await Promise.all([
    checkRights(config, { ask, signal, authorization }, deps.viaApiserver),
    askSlices(report, config, ask, signal),
  ]);
  const { faults, warnings, ...found } = rights;
  Object.assign(report, found);
  report.faults.push(...faults);
  report.warnings.push(...warnings);
}

function versionOf({ status, body }: ApiAnswer): string | null {
  const { gitVersion } = Object(body) as { gitVersion?: unknown };
  return status === 200 && typeof gitVersion === "string" ? shorten(gitVersion, 60) : null;
}

function judgeToken(report: Draft, { client }: ClusterOptions, authorization: string | undefined, now: number): void {
  const expires = tokenClaims(authorization)?.expires;
  if (expires === undefined) return;
  report.tokenExpires = new Date(expires).toISOString();
  if (expires <= now) report.faults.push(`its token ended on ${report.tokenExpires}`);
  else if (client.token !== undefined && expires - now < SOON_MS) {
    report.warnings.push(
      `client.token ends on ${report.tokenExpires} and is never read anew: a client.token_file would be`,
    );
  }
}

function judgeClock(report: Draft, { date }: ApiAnswer, now: number): void {
  if (date === undefined) return;
  // The header has whole seconds: on average half a second has passed since. Adding 0 makes -0 one.
  const ahead = Math.round((date + 500 - now) / 1000) + 0;
  report.clockAhead = ahead;
  if (Math.abs(ahead) <= SKEW_S) return;
  const than = ahead > 0 ? "ahead of" : "behind";
  report.warnings.push(
    `its clock is ${Math.abs(ahead)} s ${than} this machine's: tokens and certificates are judged by it`,
  );
}

async function askSlices(report: Draft, config: ClusterOptions, ask: SingleCall, signal: AbortSignal): Promise<void> {
  const { status, body } = await ask("/apis/discovery.k8s.io", signal);
  const { versions } = Object(body) as { versions?: unknown };
  const served = (Array.isArray(versions) ? versions : []).map((one) => String(Object(one).version));
  report.slices = served.filter((version) => version === "v1" || version === "v1beta1");
  const known = status === 200 || status === 404;
  if (config.watch_endpoint_slices && known && report.slices.length === 0) {
    report.faults.push("it serves no EndpointSlices in v1 or v1beta1: set watch_endpoint_slices to false");
  }
  const minor = Number(/^v1\.([0-9]+)/.exec(report.version ?? "")?.[1] ?? 0);
  if (!config.watch_endpoint_slices && minor >= ENDPOINTS_DEPRECATED) {
    report.warnings.push(`Endpoints are deprecated since 1.${ENDPOINTS_DEPRECATED}: set watch_endpoint_slices to true`);
  }
}
