/**
 * Basic authentication (RFC 7617) against bcrypt hashes, with a bound on the CPU that guessing can cost.
 *
 *     Authorization ─► known? ──yes─► verdict
 *                        │no
 *                      budget ─none─► busy
 *                        │
 *                    one compare at a time ─► verdict, remembered
 *
 * A compare takes some 50 ms of CPU at the usual cost. Right passwords are remembered apart from wrong ones, so that
 * guessing can't push them out.
 */
import { createHmac, randomBytes } from "node:crypto";
import { createBoundedMap } from "../runtime/bounded-map.ts";
import type { Clock } from "../runtime/clock.ts";
import { createTurns } from "../runtime/turns.ts";

export type Verdict = "admitted" | "refused" | "busy";

export interface Authenticator {
  /** `busy` says that too many wrong passwords came lately, from this peer or from all. */
  verify(
    users: ReadonlyMap<string, string>,
    credentials: Credentials,
    peer: string,
  ): Verdict | Promise<Verdict>;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** bcrypt's: whether the password has this hash. */
export type Compare = (password: string, hash: string) => Promise<boolean>;

const mostAccepted = 64;
const mostRefused = 256;
const mostPeers = 256;
/** Wrong passwords of one peer: five at once, then one in ten seconds. */
const peerBudget = [5, 10_000] as const;
/**
 * Passwords that were put off and come again: who guesses tries another one, a client with the right one tries the same. So that
 * client gets in even where others guess from its address.
 */
const returningBudget = [2, 5000] as const;
/** Of all peers: ten at once, then one a second. */
const totalBudget = [10, 1000] as const;

export function createAuthenticator(compare: Compare, clock: Pick<Clock, "monotonic">): Authenticator {
  const secret = randomBytes(32);
  const accepted = createBoundedMap<string, true>(mostAccepted);
  const refused = createBoundedMap<string, true>(mostRefused);
  const peers = createBoundedMap<string, Bucket>(mostPeers);
  const returning = createBoundedMap<string, Bucket>(mostPeers);
  const postponed = createBoundedMap<string, true>(mostRefused);
  const everybody = createBucket(...totalBudget);
  const running = new Map<string, Promise<Verdict>>();
  const inTurn = createTurns();

  async function compareNow(key: string, password: string, hash: string, known: boolean): Promise<Verdict> {
    const matches = await compare(password, hash);
    const verdict = matches && known ? "admitted" : "refused";
    (verdict === "admitted" ? accepted : refused).set(key, true);
    return verdict;
  }

  function compareInTurn(key: string, password: string, hash: string, known: boolean): Promise<Verdict> {
    const turn = inTurn(() => compareNow(key, password, hash, known)).finally(() => running.delete(key));
    running.set(key, turn);
    return turn;
  }

  return {
    verify(users, { user, password }, peer) {
      // A stranger's password is compared too, so that the time taken does not show which users exist.
      const hash = users.get(user) ?? firstOf(users);
      if (hash === undefined) return "refused";
      const known = users.has(user);
      const text = JSON.stringify([user, known, hash, password]);
      const key = createHmac("sha256", secret).update(text).digest("base64");
      if (accepted.get(key) !== undefined) return "admitted";
      if (refused.get(key) !== undefined) return "refused";
      const same = running.get(key);
      if (same !== undefined) return same;
      const comesAgain = postponed.get(key) === true;
      const budgets = comesAgain ? returning : peers;
      const [burst, intervalMs] = comesAgain ? returningBudget : peerBudget;
      const budget = budgets.getOrMake(peer, () => createBucket(burst, intervalMs));
      const now = clock.monotonic();
      if (!budget.take(now)) {
        postponed.set(key, true);
        return "busy";
      }
      if (!everybody.take(now)) {
        budget.refund();
        return "busy";
      }
      return compareInTurn(key, password, hash, known).then((verdict) => {
        if (verdict === "admitted") for (const bucket of [budget, everybody]) bucket.refund();
        return verdict;
      });
    },
  };
}

const firstOf = (users: ReadonlyMap<string, string>): string | undefined => users.values().next().value;

/** User and password of an `Authorization` header; undefined for anything else than basic credentials. */
export function parseCredentials(authorization: string | undefined): Credentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const [user = "", ...rest] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return rest.length === 0 ? undefined : { user, password: rest.join(":") };
}

export interface Bucket {
  /** Takes one token; false when there is none. `now` in milliseconds of a clock that never steps back. */
  take(now: number): boolean;
  /** Gives back what was taken for nothing. */
  refund(): void;
}

/** @param intervalMs how long one token takes to come back; 0 for no limit */
export function createBucket(burst: number, intervalMs: number): Bucket {
  let tokens = burst;
  let filledAt: number | undefined;
  return {
    take(now) {
      if (intervalMs === 0) return true;
      tokens = Math.min(burst, tokens + (now - (filledAt ?? now)) / intervalMs);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    refund() {
      tokens = Math.min(burst, tokens + 1);
    },
  };
}
