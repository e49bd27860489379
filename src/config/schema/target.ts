import * as v from "valibot";
import { key, optional, withDefault } from "../../base/schema/key.ts";
import { list, object } from "../../base/schema/shapes.ts";
import { host, integer, port, shownText } from "../../base/schema/values.ts";

/** Keys that help to find a service: static nodes are found already. */
export const FINDING: readonly string[] = ["cluster", "namespace", "port_name"];

/** What a service reference must be. */
export const SERVICE_REFERENCE = "a service reference such as namespace/name:port";
const PRIORITY = "a whole number, higher first";

/** What is used before what. */
export const priority = v.optional(v.pipe(v.number(PRIORITY), v.safeInteger(PRIORITY)), 0);

/** Services by priority, and by weight among those of one priority. */
const services = list(
  object({
    service: key(shownText(SERVICE_REFERENCE), { help: "Its share goes to the nodes of this service." }),
    weight: withDefault(integer(0), 1, {
      help: "Its share among the services of its priority. 0 takes no new ones while others have weight.",
    }),
    priority: key(priority, {
      help: "Failover: a service of a lower priority is used only while none of a higher one has an address that takes traffic.",
    }),
  }),
  "services",
);
/** Addresses that never change. */
const nodes = list(
  object({
    host: key(host, { help: "Its address; a name is resolved when a connection is made." }),
    port: key(port, { help: "Its port." }),
    weight: withDefault(integer(0), 50, {
      help: "Its share among the nodes of its priority. 0 takes no new traffic while others have weight.",
    }),
    priority: key(priority, {
      help: "Failover: a node of a lower priority is used only while none of a higher one takes traffic.",
    }),
  }),
  "nodes",
);

/** Where something goes, beside one `service`: the same for routes and streams. */
export const targets = {
  services: optional(services, { help: "Requests or connections are shared among these services by their weights." }),
  nodes: optional(nodes, { help: "Requests or connections go to these addresses: no discovery." }),
  cluster: optional(shownText("the id of a cluster"), { help: "The cluster, where the service reference names none." }),
  namespace: optional(shownText("a namespace"), {
    help: "The namespace, where the service reference names none; by default the cluster's namespace key.",
  }),
  port_name: optional(shownText("the name of a port"), {
    help: "Which port of the service, by its name, where the reference names none.",
  }),
} as const;
