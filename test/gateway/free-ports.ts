/**
 * Loaded before the program (`bun --preload`): the default ports become free ones, because another program of this
 * machine may listen there.
 */
const DEFAULT_PORTS: unknown[] = [8080, 9090];
const serve = Bun.serve;

Bun.serve = ((options: { port?: unknown }) =>
  serve({ ...options, ...(DEFAULT_PORTS.includes(options.port) && { port: 0 }) } as never)) as typeof Bun.serve;
