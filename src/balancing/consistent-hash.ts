import type { Random } from "../base/clock.ts";
import { hash } from "./hash.ts";
import { createHashRing } from "./hash-ring.ts";
import type { HashKey } from "./options.ts";
import { type Policy, type PoolMember, wasTried } from "./policy.ts";
import { keyReader, ownKeyReader } from "./request-key.ts";
import { createRoundRobin } from "./round-robin.ts";

/**
 * Consistent hashing: requests with equal keys go to the same target, in every replica of the gateway, and a target
 * that comes or goes moves only the keys it gains or loses. A pick is a binary search on a ring. An ejected target
 * stays on the ring and is stepped over, so its keys come back to it. Requests without the key go by the client's
 * address, and by round robin where that is not known.
 */
export function createConsistentHash(key: HashKey, random: Random): Policy {
  const ownKey = ownKeyReader(key);
  const readKey = keyReader(key);
  const others = createRoundRobin(random);
  const ring = createHashRing();
  let members: readonly PoolMember[] = [];

  return {
    update(view) {
      others.update(view);
      if (view.members === members) return;
      members = view.members;
      ring.update(members);
    },
    pick(request, tried) {
      const text = readKey(request);
      if (text === undefined) return others.pick(request, tried);
      const { size } = ring;
      let at = ring.seek(hash(text, 0));
      for (let steps = size; steps > 0; steps--, at++) {
        if (at === size) at = 0;
        const owner = ring.owner(at);
        if (owner.selectable && !wasTried(owner, tried)) return owner;
      }
      return undefined;
    },
    preview(request) {
      const text = readKey(request);
      if (text === undefined) return others.preview(request);
      const { size } = ring;
      const start = ring.seek(hash(text, 0));
      const order = new Set<PoolMember>();
      for (let step = 0; step < size; step++) {
        const owner = ring.owner((start + step) % size);
        if (owner.selectable) order.add(owner);
      }
      return { by: ownKey(request) === undefined ? "client" : "key", order: [...order] };
    },
  };
}
