import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Fleet, fleetAdmin, startFleet } from '../../ops/fleet/fleet.ts';
import { audit } from '../../ops/audit.ts';
import { operation } from '../support/shop.ts';
import { until } from '../support/until.ts';

/** A whole fleet takes its time to start, beside other suites. */
const startTimeoutMs = 150_000;

describe('a fleet of two of every process', () => {
  let fleet: Fleet;
  const printed: string[] = [];
  beforeAll(async () => {
    fleet = await startFleet({ print: (name, line) => void printed.push(`${name}: ${line}`) });
  }, startTimeoutMs);
  afterAll(async () => {
    await fleet?.stop();
  }, startTimeoutMs);

  async function gql<Data>(query: string, variables: object = {}): Promise<{ data?: Data } | undefined> {
    const response = await fetch(`${fleet.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    }).catch(() => undefined); // the process that had this connection was killed
    return response?.json() as Promise<{ data?: Data }> | undefined;
  }
  const logIn = async (): Promise<boolean> => {
    const answer = await gql<{ login: { tokens: object | null } }>(operation('login'), fleetAdmin);
    return Boolean(answer?.data?.login.tokens);
  };

  test('answers while one of every process is killed, each of which is started again', async () => {
    expect(fleet.processes).toHaveLength(14);
    expect(await logIn()).toBe(true);
    const victims = fleet.processes.filter(({ name }) => name.endsWith('-1'));
    for (const victim of victims) expect(victim.signal('SIGKILL')).toBe(true);
    await until(logIn, { what: 'an answer by those that are left' });
    await fleet.ready();
    for (const { name } of victims) expect(printed.join('\n')).toContain(`${name}: ended with SIGKILL`);
    expect(await logIn()).toBe(true);
  }, 120_000);

  test('lets one process be cut off its Redis, or have a wrong clock, by itself', async () => {
    const [first, second] = fleet.processes.filter(({ service }) => service === 'user');
    first?.redis.set({ kind: 'cut' });
    const ready = async (process: number) => {
      const url = fleet.processes.filter(({ service }) => service === 'user')[process]?.readyUrl;
      return (await fetch(url ?? '').catch(() => undefined))?.ok;
    };
    await until(async () => (await ready(0)) !== true, { what: 'a process that is not ready' });
    expect(await ready(1)).toBe(true);
    first?.redis.set({ kind: 'open' });
    await first?.ready();
    await second?.shiftClock(600_000);
    await until(() => printed.some((line) => line.startsWith('user-2') && /clock is wrong/.test(line)), {
      what: 'a process that sees that its clock is wrong',
    });
    await second?.shiftClock(0);
  }, 120_000);

  test('keeps its books through the death of MariaDB and of Redis', async () => {
    await fleet.redis.end('SIGKILL');
    await fleet.mariadb.end('SIGKILL');
    await fleet.mariadb.start();
    await fleet.redis.start();
    await fleet.ready();
    await until(logIn, { what: 'an answer after the servers came back', timeoutMs: 30_000 });
    const findings = await audit({ env: fleet.env });
    expect(findings.flatMap(({ broken }) => broken)).toEqual([]);
  }, 120_000);
});
