import type { Random } from "../clock.ts";
import { cookieValue } from "../cookie.ts";
import { hashToken } from "./hash.ts";
import { type Member, type Policy, wasTried } from "./policy.ts";

import { createRoundRobin } from "./round-robin.ts";
import type { PickFacts, Target } from "./types.ts";

/** What a sticky cookie is about. */
export interface StickyCookieOptions {
  /** The cookie's name. */
  name: string;
  /** The service: the same pod has another token in another one. */
  upstream: string;
  random: Random;
}

/**
 * A client stays with the target its cookie names; without one, or when that target left or is ejected, round robin
 * chooses and the answer sets the cookie anew. A target of weight 0 keeps the clients it has and gets no new ones.
 *
 * The cookie's value is a hash of address and pod uid, the same on every replica and after a restart. The uid is random,
 * so that nobody can find the address by trying them all; static nodes have none and get no such protection.
 */
export function createStickyCookie({ name, upstream, random }: StickyCookieOptions): Policy {
  const others = createRoundRobin(random);
  const byToken = new Map<string, Member>();
  const tokens = new WeakMap<Target, string>();
  let members: readonly Member[] = [];

  function tokenOf(target: Target): string {
    let token = tokens.get(target);
    if (token === undefined) {
      token = hashToken(`${target.endpoint.address} ${target.endpoint.uid ?? ""}`, upstream);
      tokens.set(target, token);
    }
    return token;
  }

  /** The target the request's cookie names, as long as it may have the request. */
  function named(request: PickFacts): Member | undefined {
    const token = cookieValue(request.headers, name);
    const member = token === undefined ? undefined : byToken.get(token);
    return member !== undefined && (member.selectable || keepsClients(member)) ? member : undefined;
  }

  return {
    update(view) {
      others.update(view);
      if (view.members === members) return;
      members = view.members;
      byToken.clear();
      for (const member of members) byToken.set(tokenOf(member), member);
    },
    pick(request, tried) {
      const member = named(request);
      if (member !== undefined && !wasTried(member, tried)) return member;
      return others.pick(request, tried);
    },
    outlook(request) {
      const member = named(request);
      const rest = others.outlook(request);
      if (member === undefined) return rest;
      return { by: "cookie", order: [member, ...rest.order.filter((other) => other !== member)] };
    },
    cookie(request, target) {
      const token = tokenOf(target);
      if (cookieValue(request.headers, name) === token) return undefined;
      return `${name}=${token}; Path=/; HttpOnly; SameSite=Lax`;
    },
  };
}

/** Drained by weight 0, and otherwise fine. */
const keepsClients = (member: Member): boolean =>
  member.weight === 0 && member.healthy && member.passive.ejectedUntil === 0;
