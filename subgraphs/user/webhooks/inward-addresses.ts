import type { LookupAddress } from 'node:dns';
import { Resolver, lookup } from 'node:dns/promises';
import { type LookupFunction, isIP } from 'node:net';
import { callbackify } from 'node:util';
import ipaddr from 'ipaddr.js';
import { inTime } from '../../shared/time/in-time.ts';

/*
 * Endpoints' addresses are given by people, and asked for by a machine inside: what leads inward is refused, when it is saved and
 * at each connection. A name is resolved once, and the connection goes to an address that was looked at.
 */

const resolveWithinMs = 2_000;

/** The addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** By the hosts file and whatever the system is set up for. It holds a thread, of which a process has few. */
const byTheSystem: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);
const isLocal = (hostname: string): boolean => /(^|\.)localhost\.?$/i.test(hostname);

/**
 * Asks name servers (the system's unless `servers` are given), so that a merchant's slow one delays nobody else. Names inside
 * may be known to the system alone.
 */
export function openResolve({ allowPrivate }: Pick<AddressRule, 'allowPrivate'>, servers?: readonly string[]): Resolve {
  if (allowPrivate) return byTheSystem;
  const resolver = new Resolver({ timeout: resolveWithinMs, tries: 1 });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    if (isLocal(hostname)) return byTheSystem(hostname);
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason;
    return [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  };
}

/** Addresses that cloud providers give their own machinery, though they look public. */
const machinery: ReadonlySet<string> = new Set(['168.63.129.16']);
const globalUnicast = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/**
 * Whether an address is none of the public internet: loopback, private, link-local, carriers', multicast, documentation, and
 * IPv6 that carries an IPv4 address within.
 */
export function isInward(address: string): boolean {
  if (machinery.has(address) || !ipaddr.isValid(address)) return true;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return true;
  return parsed.kind() === 'ipv6' && !parsed.match(globalUnicast);
}

/** What is allowed of addresses. */
export type AddressRule = {
  /** Addresses that lead inward may be asked, by http too. */
  readonly allowPrivate: boolean;
  readonly allowHttp: boolean;
};

export const maxUrlLength = 2_048;

/** Why nothing is sent to this URL, as the end of a sentence; null where something may be. A name is not resolved. */
export function urlProblem(text: string, { allowPrivate, allowHttp }: AddressRule): string | null {
  if (text.length > maxUrlLength) return `has at most ${maxUrlLength} characters`;
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
    return `begins with https://${allowHttp ? ' or http://' : ''}`;
  if (url.username !== '' || url.password !== '') return 'has no user name or password';
  if (url.hash !== '') return 'has no fragment';
  const literal = literalOf(url);
  return literal !== null && !allowPrivate && isInward(literal) ? 'leads to an address that is not public' : null;
}

/** The address that a URL has in place of a name; null for a name. */
function literalOf({ hostname }: URL): string | null {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isIP(bare) === 0 ? null : bare;
}

/**
 * As `urlProblem`, with a look at where the name leads now. One that is not known here passes: the process that answers may have
 * no way out, and the one that sends looks again.
 */
export async function addressProblem(text: string, rule: AddressRule, resolve: Resolve): Promise<string | null> {
  const problem = urlProblem(text, rule);
  if (problem !== null || rule.allowPrivate) return problem;
  const url = new URL(text);
  if (literalOf(url) !== null) return null;
  const addresses = await inTime(resolve(url.hostname), resolveWithinMs).catch((): readonly string[] => []);
  return addresses.some(isInward) ? 'leads to an address that is not public' : null;
}

/**
 * For a socket that connects by name: resolves it once and gives addresses only where none of them leads inward. An address in
 * place of a name never gets here, so `urlProblem` is asked before each request.
 */
export function guardedLookup(rule: AddressRule, resolve: Resolve): LookupFunction {
  const find = callbackify(async (hostname: string): Promise<LookupAddress[]> => {
    const addresses = await resolve(hostname);
    if (addresses.length === 0 || (!rule.allowPrivate && addresses.some(isInward)))
      throw new Error(`${hostname} leads to an address that is not public.`);
    return addresses.map((address) => ({ address, family: isIP(address) }));
  });
  return (hostname, { all }, callback) =>
    find(hostname, (error, found?: LookupAddress[]) => {
      const [first] = found ?? [];
      if (all) callback(error, found ?? []);
      else callback(error, first?.address ?? '', first?.family);
    });
}
