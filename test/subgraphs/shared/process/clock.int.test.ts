import { afterEach, expect, jest, test } from '@jest/globals';
import { identitySigner } from '../../../../subgraphs/shared/auth/identity.ts';
import { authenticator } from '../../../../subgraphs/shared/auth/authenticator.ts';
import { callerHeaders } from '../../../../subgraphs/shared/auth/caller-headers.ts';
import { grantService } from '../../../../subgraphs/shared/auth/grants.ts';
import { openRuntime } from '../../../../subgraphs/shared/process/runtime.ts';
import { createLogger } from '../../../../subgraphs/shared/process/telemetry.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

const open = () =>
  openRuntime(
    { MYSQL_URL: 'mysql://root@127.0.0.1:1', REDIS_URL: String(process.env['TEST_REDIS_URL']), DATABASE_PREFIX: 'clock' },
    { name: 'clock-test', link: () => { throw new Error('calls nobody'); }, log: createLogger('test', 'silent') },
  ); // prettier-ignore

const ownClock = Date.now;

test.each([600_000, -600_000])('a process whose clock is %d ms off goes by the shared one', async (offMs) => {
  jest.spyOn(Date, 'now').mockImplementation(() => ownClock() + offMs);
  const runtime = await open();
  try {
    // To within the way to Redis and back.
    expect(Math.abs(runtime.now().getTime() - ownClock())).toBeLessThan(2_000);
  } finally {
    await runtime.close();
  }
});

test('a clock that is right to a second is taken as it is', async () => {
  jest.spyOn(Date, 'now').mockImplementation(() => ownClock() + 400);
  const runtime = await open();
  try {
    expect(Math.abs(runtime.now().getTime() - ownClock() - 400)).toBeLessThan(100);
  } finally {
    await runtime.close();
  }
});

test.each([600_000, -600_000])('a subgraph believes a gateway whose own clock is %d ms off', async (offMs) => {
  const runtime = await open();
  try {
    const app = { app: 'gateway', service: 'order', token: 'a token of the gateway' };
    await grantService(runtime.redis, app);
    const identitySecret = 'a secret of thirty-two characters';
    const authenticate = authenticator({ ...app, redis: runtime.redis, identitySecret, strict: true, now: () => new Date(ownClock()), reseed: async () => undefined }); // prettier-ignore
    jest.spyOn(Date, 'now').mockImplementation(() => ownClock() + offMs);
    const there = await open();
    try {
      const sign = identitySigner(identitySecret, there.now);
      const viewer = { kind: 'user', userId: newId(), sessionId: newId(), roles: ['CUSTOMER'] } as const;
      const headers = {
        [callerHeaders.app]: app.app,
        [callerHeaders.token]: app.token,
        [callerHeaders.identity]: await sign({ ...viewer, roles: ['CUSTOMER'] }),
      };
      expect(await authenticate(headers)).toMatchObject({ viewer: { userId: viewer.userId } });
    } finally {
      await there.close();
    }
  } finally {
    await runtime.close();
  }
});
