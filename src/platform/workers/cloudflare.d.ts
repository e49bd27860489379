declare module "cloudflare:workers" {
  /** Keeps the current request's context alive until the work is done, after its answer too. */
  export function waitUntil(work: Promise<unknown>): void;
}

declare module "*.workers.yaml" {
  const text: string;
  export default text;
}
