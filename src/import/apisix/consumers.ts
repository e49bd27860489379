import type { Input } from "../input.ts";
import { roleOf } from "./plugins/refusing.ts";
import type { Resources } from "./resources.ts";

/** Plugins that know consumers by their credentials. */
const CREDENTIALS = ["key-auth", "basic-auth", "jwt-auth"];

const OWN = "what a consumer's plugins do applies to its own requests only, which has no counterpart";

/** The plugins of a consumer or of its group that are not its credentials. */
const ownPlugins = (holder: Input): Input[] => {
  const plugins = holder.at("plugins");
  return plugins.keys().flatMap((name) => (CREDENTIALS.includes(name) ? [] : [plugins.at(name)]));
};

const guards = (plugin: Input): boolean =>
  roleOf(String(plugin.path.at(-1))) === "guards" && plugin.at("_meta").at("disable").raw !== true;

/** The group of a consumer; undefined: it is in none, or in one that is not there. */
const groupOf = (consumer: Input, { consumerGroups }: Resources): Input | undefined =>
  consumer.at("group_id").exists ? consumerGroups.find(consumer.at("group_id")) : undefined;

/**
 * The consumers who may pass somewhere. One that is refused in some cases by a plugin of its own, or of its group, is
 * none of them: without that plugin it would pass in all.
 */
export function consumersOf(resources: Resources): Input[] {
  return resources.consumers.filter((consumer) => {
    const group = groupOf(consumer, resources);
    const missing = consumer.at("group_id").exists && group === undefined;
    const shut = [consumer, ...(group === undefined ? [] : [group])].flatMap(ownPlugins).some(guards);
    if (shut || missing) {
      consumer.decline(
        missing
          ? "its group is not in these files, and may refuse requests: it is left out, and its credentials are refused"
          : "a plugin of its own, or of its group, may refuse requests: it is left out, and its credentials are refused",
        "access",
      );
    }
    return !shut && !missing;
  });
}

/** What a consumer has that no route asks for; a consumer without anything else is not there at all. */
export function declineUnasked(consumer: Input, uses: ReadonlySet<string>): void {
  const plugins = consumer.at("plugins");
  const names = plugins.keys();
  if (!names.some((name) => CREDENTIALS.includes(name) && uses.has(name))) {
    consumer.decline("no route asks for credentials of its kind");
    return;
  }
  for (const name of names) {
    if (CREDENTIALS.includes(name) && !uses.has(name)) plugins.at(name).decline(`no route asks for ${name}`);
  }
  declineOwn(consumer);
}

/** The plugins of a consumer that passes, or of a group. */
export function declineOwn(holder: Input): void {
  for (const plugin of ownPlugins(holder)) {
    plugin.decline(OWN, roleOf(String(plugin.path.at(-1))) === "passes" ? "difference" : "access");
  }
}
