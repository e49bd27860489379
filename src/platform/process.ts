/** The environment's variables. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The outcome of a command that was run. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell (a kubeconfig's `exec` plugin), with this environment alone. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<CommandResult>;

/** What the process uses of the machine. */
export interface ProcessUsage {
  /** When it was started, in seconds since the epoch. */
  readonly started: number;
  /** Seconds of processor time, all threads together. */
  readonly userCpu: number;
  readonly systemCpu: number;
  /** Bytes of memory: resident, and of the JavaScript heap. */
  readonly resident: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
}

/** Signals a gateway acts on. */
export type Signal = "SIGTERM" | "SIGINT" | "SIGHUP";
