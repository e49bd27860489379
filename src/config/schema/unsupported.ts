/** Why keys cannot be had on Cloudflare Workers; each sentence goes on after the key's path. */

const TLS_BINDING = "a binding (Workers VPC or a service) decides whom its TLS trusts";

export const NO_FILES = "names a file, and Workers has none";
export const NO_TLS = `is not available on Workers: ${TLS_BINDING}`;
export const NO_CA_FILE = `${NO_FILES}: ${TLS_BINDING}`;
export const NO_CLIENT_CERTIFICATE = `${NO_FILES}: bind an mTLS certificate as the APISERVER fetcher`;
export const NO_LISTENER = "is not available on Workers: Cloudflare's edge accepts the connections";
export const IGNORED = "has no effect on Workers";
