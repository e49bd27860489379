import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { config } from "../../config/support.ts";
import { imported } from "./support.ts";

const FILES = {
  "config.yaml":
    "apisix: {node_listen: 9080}\ndeployment: {role: data_plane, role_data_plane: {config_provider: yaml}}\n",
  "apisix.yaml": `global_rules:
  - { id: 1, plugins: { ip-restriction: { blacklist: ["192.0.2.0/24"] } } }
routes:
  - { uri: /own, plugins: { ip-restriction: { blacklist: ["198.51.100.0/24"] } }, upstream: { nodes: { "127.0.0.1:9001": 1 } } }
  - { uri: /none, upstream: { nodes: { "127.0.0.1:9001": 1 } } }
#END
`,
};

test("a plugin of a route does not take the place of the same one in a global rule: both run", () => {
  const { gateway } = imported(Object.entries(FILES).map(([name, content]) => ({ name, content })));
  const denied = config(gateway).routes.map(({ middleware }) =>
    middleware.flatMap(({ ip_restriction }) => ip_restriction?.deny_list ?? []),
  );
  assertEquals(denied, [["192.0.2.0/24", "198.51.100.0/24"], ["192.0.2.0/24"]]);
});
