import { Pool } from 'undici';
import type { BenchPlatform } from '../bench-platform.ts';

/** What an attack needs to know; it runs in a process of its own, so this goes there as JSON. */
export type Scene = { readonly url: string; readonly [name: string]: unknown };

/** Counts what the platform made of one thing that the attacker did. */
export type CountOutcome = (outcome: string | number) => void;

/** One way to exhaust a platform, beside a client that wants to be served. */
export type ExhaustionCase = {
  readonly name: string;
  /** What the attacker does. */
  readonly what: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Makes what attack and honest client need. */
  readonly prepare?: (platform: BenchPlatform) => Promise<Readonly<Record<string, unknown>>>;
  /** Goes on until the signal. */
  readonly attack: (scene: Scene, signal: AbortSignal, count: CountOutcome) => Promise<void>;
  /** One thing that an honest client does; throws when it isn't served. Default: a page of the shop. */
  readonly honest?: (platform: BenchPlatform, scene: Scene) => Promise<void>;
};

/** The attacker's own address, so that what is bounded by address hits nobody else. */
export const attackerAddress = '127.0.0.2';

/** HTTP from the attacker's address; `post` gives the status. */
export function openAttacker(url: string, connections: number) {
  const pool = new Pool(url, { connections, localAddress: attackerAddress });
  return {
    async send(request: {
      method: 'GET' | 'POST';
      path: string;
      headers?: Record<string, string>;
      body?: string;
    }): Promise<{ status: number; body: string }> {
      const { method, path, headers = {}, body = null } = request;
      const response = await pool.request({ method, path, headers, body });
      return { status: response.statusCode, body: await response.body.text() };
    },
    close: () => pool.close(),
  };
}

/** Repeats `once` on so many lines until the signal; what it throws is counted, and is no end. */
export async function untilAborted(
  lines: number,
  signal: AbortSignal,
  count: CountOutcome,
  once: () => Promise<string | number>,
): Promise<void> {
  const line = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        count(await once());
      } catch (error) {
        if (!signal.aborted) count((error as { code?: string }).code ?? (error as Error).name);
      }
    }
  };
  await Promise.all(Array.from({ length: lines }, line));
}

/** The code of the first error of an answer; `OK` for one without. */
export function codeOf(body: string): string {
  const { errors } = JSON.parse(body) as { errors?: { extensions: { code: string } }[] };
  return errors?.[0]?.extensions.code ?? 'OK';
}
