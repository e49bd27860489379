import type { Input } from "../input.ts";
import { declineSet, declineTrue, isUnset } from "./values.ts";

/** `GlobalConfiguration` as routes see it. */
export interface Globals {
  readonly root: Input;
  /** Global options of that name, where they apply to a route: their `RouteKeys` name it, or none at all. */
  options(name: string, route: Input): Input;
}

/** What is not there. */
const NOWHERE = "\u0000";

/** Reads which routes global options are for. */
export function globalsOf(root: Input): Globals {
  return {
    root,
    options(name, route) {
      const options = root.at(name);
      const keys = options.at("RouteKeys");
      if (isUnset(keys)) return options;
      const named = keys.texts() ?? [];
      const key = route.at("Key").text();
      return key !== undefined && named.includes(key) ? options : options.at(NOWHERE);
    },
  };
}

const IN_CODE = "it names code of the application that runs Ocelot";

/** Global keys that no route reads. */
export function declineGlobals(root: Input, used: { readonly baseUrl: boolean }): void {
  const baseUrl = root.at("BaseUrl");
  if (!isUnset(baseUrl) && !used.baseUrl) {
    baseUrl.text();
    baseUrl.note("it is not needed: no header transformation asks for {BaseUrl}");
  }
  const auth = root.at("AuthenticationOptions");
  if (!isUnset(auth) && auth.at("AllowAnonymous").boolean() !== true) auth.decline(AUTHENTICATION);
  else if (!isUnset(auth)) auth.take();
  declineSet(root.at("Metadata"), METADATA);
  declineSet(root.at("MetadataOptions"), METADATA);
  declineSet(root.at("DelegatingHandlers"), IN_CODE);
  declineTrue(root.at("ConnectionClose"), "connections to upstreams are always kept for further requests");
}

/** Why there is no authentication of Ocelot's here. */
export const AUTHENTICATION =
  "its providers are set up in the code of the application that runs Ocelot: write a middleware (jwt, jwk, key_auth, basic_auth) that asks for the same";

/** Why metadata has no counterpart. */
export const METADATA = "only code of the application that runs Ocelot reads it";

/** Why claims have no counterpart. */
export const CLAIMS = "claims of tokens are checked (see the middleware jwt and jwk) and are not passed on";
