import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateKeyPair } from 'jose';
import { until } from '../../support/until.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterAll(() => graph.close());

const viewer = (authorization: string, on = graph) => on.ask('{ viewer { kind id } }', {}, { authorization });
const refused = async (authorization: string) => {
  const { status, body } = await viewer(authorization);
  return [status, body.errors?.[0].extensions.code, body.data];
};

describe('access tokens', () => {
  test('a good token signs in', async () => {
    const { status, body } = await viewer(`Bearer ${await graph.token()}`);
    expect(status).toBe(200);
    expect(body.data.viewer).toEqual({ kind: 'user', id: 'u1' });
  });

  test.each(['Bearer', 'Bearer ', 'Bearer x', 'Basic dTpw', 'Bearer a.b.c', 'nonsense', `Bearer ${'x'.repeat(5_000)}`])(
    '%.20s is refused with 401, not taken as anonymous',
    async (authorization) => {
      expect(await refused(authorization)).toEqual([401, 'UNAUTHENTICATED', undefined]);
    },
  );

  test('an expired token is refused, also when it was seen while it was good', async () => {
    expect(await refused(`Bearer ${await graph.token({}, { lifetimeSeconds: -60 })}`)).toEqual([
      401,
      'UNAUTHENTICATED',
      undefined,
    ]);
    const short = `Bearer ${await graph.token({}, { lifetimeSeconds: 1 })}`;
    expect((await viewer(short)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await refused(short)).toEqual([401, 'UNAUTHENTICATED', undefined]);
  });

  test('a token of another issuer, audience, type, algorithm or key, or with too long a life, is refused', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const bad = await Promise.all([
      graph.token({}, { issuer: 'somebody' }),
      graph.token({}, { audience: 'something' }),
      graph.token({}, { header: { typ: 'JWT' } }),
      graph.token({}, { header: { kid: 'unknown' } }),
      graph.token({}, { key: privateKey }),
      graph.token({}, { lifetimeSeconds: 3_600 }),
      graph.token({ roles: ['EMPEROR'] }),
      graph.token({ sid: undefined }),
      graph.token({}, { issuedAt: null }),
      graph.token({}, { lifetimeSeconds: null }),
      graph.token({}, { issuedAt: Math.floor(Date.now() / 1_000) + 60 }),
      graph.token({}, { issuedAt: Math.floor(Date.now() / 1_000) - 700 }),
    ]);
    const none = `${Buffer.from('{"alg":"none","typ":"at+jwt","kid":"k1"}').toString('base64url')}.${(await graph.token()).split('.')[1]}.`;
    for (const token of [...bad, none])
      expect(await refused(`Bearer ${token}`)).toEqual([401, 'UNAUTHENTICATED', undefined]);
  });

  test('a revoked session is refused at once by the live notice, and from the set after a start', async () => {
    const token = `Bearer ${await graph.token({ sid: 'revoked-1' })}`;
    expect((await viewer(token)).status).toBe(200);
    await graph.runtime.redis.zAdd('auth:revoked-sessions', { value: 'revoked-1', score: Date.now() + 600_000 });
    graph.runtime.live.publish('auth-revoked', 'revoked-1');
    for (let tries = 0; (await viewer(token)).status === 200 && tries < 100; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await refused(token)).toEqual([401, 'UNAUTHENTICATED', undefined]);

    const later = await startTestGraph({ shape: 'in process' });
    const { status } = await later.ask(
      '{ viewer { kind } }',
      {},
      { authorization: `Bearer ${await later.token({ sid: 'revoked-1' })}` },
    );
    await later.close();
    expect(status).toBe(401);
  });

  test('without the keys a signed-in request is a 503, an anonymous one is served', async () => {
    const fresh = await startTestGraph({ shape: 'in process' });
    fresh.stage.down.add('user');
    const signedIn = await fresh.ask(
      '{ product(id: "p") { name } }',
      {},
      { authorization: `Bearer ${await fresh.token()}` },
    );
    const anonymous = await fresh.ask('{ product(id: "p") { name } }');
    fresh.stage.down.delete('user');
    await new Promise((resolve) => setTimeout(resolve, 600));
    const after = await fresh.ask(
      '{ product(id: "p") { name } }',
      {},
      { authorization: `Bearer ${await fresh.token()}` },
    );
    await fresh.close();
    expect([signedIn.status, signedIn.body.errors?.[0].extensions.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
    expect(anonymous.status).toBe(200);
    expect(after.status).toBe(200);
  });
});

describe('/jobs', () => {
  const signIn = (mobile: string, password: string, headers: Record<string, string> = {}) =>
    fetch(`${graph.url}/jobs/login`, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body: new URLSearchParams({ mobile, password }),
    });

  test('shows the sign-in form to strangers and 401 to programs', async () => {
    const page = await fetch(`${graph.url}/jobs`, { headers: { accept: 'text/html' }, redirect: 'manual' });
    expect(page.headers.get('location')).toBe('/jobs/login');
    expect((await fetch(`${graph.url}/jobs/api`, { headers: { accept: 'application/json' } })).status).toBe(401);
    expect(await (await fetch(`${graph.url}/jobs/login`)).text()).toContain('<form');
  });

  test('lets staff in by a cookie for /jobs alone, nobody else', async () => {
    expect((await signIn('staff', 'wrong')).status).toBe(401);
    const customer = await signIn('customer', 'right');
    expect([customer.status, customer.headers.get('set-cookie')]).toEqual([401, null]);
    const staff = await signIn('staff', 'right');
    const cookie = staff.headers.get('set-cookie') ?? '';
    expect(staff.status).toBe(303);
    expect(cookie).toMatch(/^jobs_token=.*Path=\/jobs;.*HttpOnly; SameSite=Strict/);
    const page = await fetch(`${graph.url}/jobs/`, { headers: { cookie: cookie.split(';')[0] as string } });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('Agendash');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    const jobs = await fetch(`${graph.url}/jobs/api?limit=5`, { headers: { cookie: cookie.split(';')[0] as string } });
    expect(jobs.status).toBe(200);
  });

  test('[LL-12] takes over the session of a page that shows its access token: of staff, and of nobody else', async () => {
    const session = (headers: Record<string, string>) =>
      fetch(`${graph.url}/jobs/session`, { method: 'POST', headers, redirect: 'manual' });
    const asked = await session({ authorization: `Bearer ${await graph.token({ roles: ['OPERATOR'] })}` });
    expect(asked.status).toBe(204);
    const cookie = asked.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^jobs_token=.*Max-Age=\d+; Path=\/jobs;.*HttpOnly; SameSite=Strict/);
    const jobs = await fetch(`${graph.url}/jobs/api?limit=5`, { headers: { cookie: cookie.split(';')[0] as string } });
    expect(jobs.status).toBe(200);
    const customer = { authorization: `Bearer ${await graph.token({ roles: ['CUSTOMER'] })}` };
    const refused = await Promise.all([session(customer), session({}), session({ authorization: 'Bearer x.y.z' }), session({ ...customer, origin: 'https://evil.test' })]); // prettier-ignore
    expect(refused.map(({ status, headers }) => [status, headers.get('set-cookie')])).toEqual([[403, null], [401, null], [401, null], [403, null]]); // prettier-ignore
    // A cookie alone opens nothing new.
    expect((await session({ cookie: cookie.split(';')[0] as string })).status).toBe(401);
  });

  test('says that nobody can sign in, not that the password is wrong, while the accounts are away', async () => {
    graph.stage.down.add('user');
    const away = await signIn('staff', 'right').finally(() => graph.stage.down.clear());
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await away.text()).toContain('Try again');
  });

  const cookieOf = async (mobile: string) =>
    ((await signIn(mobile, 'right')).headers.get('set-cookie') ?? '').split(';')[0] as string;
  const jobsAnswer = (cookie: string, path = '/jobs/api?limit=5') =>
    fetch(`${graph.url}${path}`, { headers: { cookie, accept: 'application/json' } });
  const post = (cookie: string, path: string, body: unknown = { jobIds: [] }) =>
    fetch(`${graph.url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const changes = ['requeue', 'retry', 'delete', 'create', 'pause', 'resume'];

  test('its sign-out ends the session: the cookie that was kept is worth nothing', async () => {
    const cookie = await cookieOf('staff');
    expect((await jobsAnswer(cookie)).status).toBe(200);
    const out = await post(cookie, '/jobs/logout');
    expect([out.status, out.headers.get('location')]).toEqual([303, '/jobs/login']);
    expect(out.headers.get('set-cookie')).toMatch(/^jobs_token=;/);
    await until(async () => (await jobsAnswer(cookie)).status === 401, { what: 'the end of the session' });
    expect((await post(cookie, '/jobs/api/jobs/delete')).status).toBe(401);
  });

  test('who signs in there and is not of staff leaves no session behind', async () => {
    const ended: (string | null)[] = [];
    const stop = graph.runtime.live.listen('auth-revoked', (sessionId) => ended.push(sessionId));
    expect((await signIn('customer', 'right')).status).toBe(401);
    await until(() => ended.length > 0, { what: 'the end of the session' });
    stop();
  });

  test.each(changes)('an operator may look but not %s jobs; an administrator may', async (change) => {
    const answer = await post(await cookieOf('staff'), `/jobs/api/jobs/${change}`);
    const { errors } = (await answer.json()) as { errors: { extensions: { code: string } }[] };
    expect([answer.status, errors[0]?.extensions.code]).toEqual([403, 'FORBIDDEN']);
    const admin = await post(await cookieOf('admin'), `/jobs/api/jobs/${change}`);
    expect([401, 403]).not.toContain(admin.status);
  });

  describe('what an administrator does there', () => {
    const jobs = async () =>
      ((await (await jobsAnswer(await cookieOf('admin'), '/jobs/api?limit=50')).json()) as { jobs: { job: { _id: string; name: string } }[] }).jobs; // prettier-ignore
    const acts = () => graph.stage.jobActs.splice(0);

    test('[LL-12] [PM-4] is in the audit log, by job, in the name of who is signed in', async () => {
      acts();
      const cookie = await cookieOf('admin');
      expect((await post(cookie, '/jobs/api/jobs/create', { jobName: 'test.look', jobSchedule: 'in 2 hours' })).status).toBe(200); // prettier-ignore
      expect(acts()).toEqual([expect.stringMatching(/^\S+ job\.created test\.look$/)]);
      const id = (await jobs()).find(({ job }) => job.name === 'test.look')?.job._id;
      for (const [path, action] of [
        ['pause', 'paused'],
        ['resume', 'resumed'],
        ['retry', 'retried'],
        ['requeue', 'requeued'],
        ['Delete', 'deleted'],
      ] as const) {
        expect((await post(cookie, `/jobs/api/jobs/${path}`, { jobIds: [id] })).status).toBe(200);
        expect(acts()).toEqual([expect.stringMatching(new RegExp(`^\\S+ job\\.${action} test\\.look$`))]);
      }
    });

    test('is not done while it can’t be written down', async () => {
      const cookie = await cookieOf('admin');
      graph.stage.down.add('user');
      const away = await post(cookie, '/jobs/api/jobs/create', { jobName: 'test.never' }).finally(() => graph.stage.down.clear()); // prettier-ignore
      expect([away.status, away.headers.get('retry-after')]).toEqual([503, '1']);
      expect((await jobs()).filter(({ job }) => job.name === 'test.never')).toEqual([]);
      expect(acts()).toEqual([]);
    });

    test('is not done for a body that only Agendash could read', async () => {
      const cookie = await cookieOf('admin');
      const kept = async () => (await jobs()).filter(({ job }) => job.name === 'test.kept');
      await post(cookie, '/jobs/api/jobs/create', { jobName: 'test.kept', jobSchedule: 'in 2 hours' });
      const id = String((await kept())[0]?.job._id);
      acts();
      for (const type of ['application/x-www-form-urlencoded', 'text/plain', undefined]) {
        for (const act of ['delete', 'requeue', 'create']) {
          const answer = await fetch(`${graph.url}/jobs/api/jobs/${act}`, {
            method: 'POST',
            headers: { cookie, origin: graph.url, ...(type && { 'content-type': type }) },
            body: new TextEncoder().encode(`jobIds=${id}&jobIds=${id}&jobName=test.unseen`),
          });
          expect([type, act, answer.status]).toEqual([type, act, 415]);
        }
      }
      expect(await kept()).toHaveLength(1);
      expect((await jobs()).filter(({ job }) => job.name === 'test.unseen')).toEqual([]);
      expect(acts()).toEqual([]);
      await post(cookie, '/jobs/api/jobs/delete', { jobIds: [id] });
      expect(await kept()).toEqual([]);
      acts();
    });

    test.each([
      ['no name', 'create', {}, 400],
      ['ids that are none', 'delete', { jobIds: [7] }, 400],
      ['too many', 'delete', { jobIds: Array.from({ length: 201 }, (_, index) => String(index)) }, 400],
      ['what there is not', 'explode', { jobIds: [] }, 404],
    ])('with %s is refused, and done by no other way', async (_, act, body, status) => {
      const cookie = await cookieOf('admin');
      expect((await post(cookie, `/jobs/api/jobs/${act}`, body)).status).toBe(status);
      for (const path of ['/jobs//api/jobs/create', '/jobs/api//jobs/create', '/jobs/api/jobs/create/x'])
        expect((await post(cookie, path, { jobName: 'test.never' })).status).toBe(404);
      for (const path of [
        '/JOBS/api/jobs/create',
        '/jobs/%61pi/jobs/create',
        '/jobs/api/jobs/cre%61te',
        '/jobs/api/jobs/create/',
      ])
        if ((await post(cookie, path, { jobName: 'test.odd', jobSchedule: 'in 2 hours' })).status !== 404)
          expect(acts()).toEqual([expect.stringContaining('job.created test.odd')]);
      expect(acts()).toEqual([]);
    });
  });

  test.each(['PUT', 'PATCH', 'DELETE'])('an operator may not %s either', async (method) => {
    const headers = { cookie: await cookieOf('staff') };
    expect((await fetch(`${graph.url}/jobs/api/jobs/delete`, { method, headers })).status).toBe(403);
  });

  /** The stream's end, after it has begun. */
  async function openStream(cookie: string, path = '/jobs/api/events') {
    const stream = await jobsAnswer(cookie, path);
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toContain('connected');
    const end = (async () => {
      while (!(await reader.read()).done);
    })();
    return { end, isOpen: () => Promise.race([end.then(() => false), sleep(300).then(() => true)]) };
  }

  test.each(['/jobs/api/events', '/jobs/api/events/', '/JOBS/API/Events', '/jobs//api/events', '/jobs/%61pi/events'])(
    'the stream of events at %s ends with the session, and with the token',
    async (path) => {
      const cookie = await cookieOf('staff');
      const first = await jobsAnswer(cookie, path);
      if (first.status === 404) return; // no stream there
      await first.body?.cancel();
      const stream = await openStream(cookie, path);
      expect(await stream.isOpen()).toBe(true);
      await post(cookie, '/jobs/logout');
      await stream.end;

      graph.stage.lifetimeSeconds = 2;
      try {
        await (
          await openStream(await cookieOf('staff'), path)
        ).end;
      } finally {
        graph.stage.lifetimeSeconds = 300;
      }
    },
    20_000,
  );

  test('takes no form of another site', async () => {
    expect((await signIn('staff', 'right', { origin: 'https://evil.example' })).status).toBe(403);
  });
});
