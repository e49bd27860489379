import type { Random } from "../base/clock.ts";
import { cookieValue } from "../http/cookie.ts";
import { hashToken } from "./hash.ts";
import { type Policy, type PoolMember, wasTried } from "./policy.ts";
import { createRoundRobin } from "./round-robin.ts";
import type { PickInfo, Target } from "./types.ts";

interface StickyCookieOptions {
  /** The cookie's name. */
  name: string;
  /** The service; a pod's token differs from one service to another. */
  upstream: string;
  /** The route has other services: the cookie then names the service too. */
  shared: boolean;
  random: Random;
}

/**
 * A client stays with the target its cookie names; without one, or when that target left or is ejected, round robin
 * chooses and the answer sets a new cookie. A target of weight 0, or of another zone, keeps its clients and gets no new
 * ones. Where a route has several services the cookie names the service too, and the client stays with that service
 * when its target has left.
 *
 * The cookie's value is a hash of address and pod uid, the same on every replica and after a restart; where there are
 * several services, a hash of the service's name and a dot come before it. The uid is random, so that the address
 * cannot be found by trying them all; static nodes have none and get no such protection.
 */
export function createStickyCookie({ name, upstream, shared, random }: StickyCookieOptions): Policy {
  const service = hashToken(upstream, "service");
  const others = createRoundRobin(random);
  const byToken = new Map<string, PoolMember>();
  const tokens = new WeakMap<Target, string>();
  let members: readonly PoolMember[] = [];
  /** Of those that take new requests. */
  let priority = 0;

  function tokenOf(target: Target): string {
    let token = tokens.get(target);
    if (token === undefined) {
      token = hashToken(`${target.endpoint.address} ${target.endpoint.uid ?? ""}`, upstream);
      tokens.set(target, token);
    }
    return token;
  }

  const cookieOf = (target: Target): string => (shared ? `${service}.${tokenOf(target)}` : tokenOf(target));

  /** The target the request's cookie names, as long as it may get the request. */
  function named(request: PickInfo): PoolMember | undefined {
    const value = cookieValue(request.headers, name);
    const member = value === undefined ? undefined : byToken.get(value.slice(value.indexOf(".") + 1));
    return member !== undefined && (member.selectable || keepsClients(member)) ? member : undefined;
  }

  /** Fit, and not a candidate only because it is drained by weight 0 or is in another zone. */
  const keepsClients = ({ weight, healthy, passive, endpoint }: PoolMember): boolean =>
    healthy && passive.ejectedUntil === 0 && (weight === 0 || !endpoint.preferred) && endpoint.priority === priority;

  return {
    update(view) {
      others.update(view);
      priority = view.candidates[0]?.endpoint.priority ?? 0;
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
    preview(request) {
      const member = named(request);
      const rest = others.preview(request);
      if (member === undefined) return rest;
      return { by: "cookie", order: [member, ...rest.order.filter((other) => other !== member)] };
    },
    claims(request) {
      const value = cookieValue(request.headers, name);
      if (value === undefined) return false;
      return value.startsWith(`${service}.`) || byToken.has(value);
    },
    cookie(request, target) {
      const value = cookieOf(target);
      if (cookieValue(request.headers, name) === value) return undefined;
      // The client's scheme as a trusted proxy in front reports it: the field is removed where other peers send it.
      const scheme = request.headers.get("x-forwarded-proto")?.split(",")[0]?.trim() ?? request.scheme;
      const secure = scheme.toLowerCase() === "https" ? "; Secure" : "";
      return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}`;
    },
  };
}
