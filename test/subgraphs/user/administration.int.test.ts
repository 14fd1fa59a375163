import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Role } from '../../../subgraphs/shared/auth/viewer.ts';
import { write } from '../../../subgraphs/shared/database/database.ts';
import { cleanUp } from '../../../subgraphs/user/jobs.ts';
import {
  type Caller,
  type Person,
  type UserPlatform,
  authFields,
  loginMutation,
  newMobile,
  openUserPlatform,
  redisDatabase,
  refreshMutation,
  registerPerson,
  userErrorFields,
  viewerOf,
} from './support.ts';
import { until } from '../../support/until.ts';

let platform: UserPlatform;
let admin: Person;
beforeAll(async () => {
  platform = await openUserPlatform({ database: redisDatabase.administration });
  admin = await administrator();
});
afterAll(() => platform.close());

const login = async (mobile: string, password: string) =>
  (await platform.run(loginMutation, { mobile, password })).data.login;

async function person(roles: Role[]): Promise<Person> {
  const mobile = newMobile();
  const password = 'correct horse battery';
  const { id } = await platform.accounts.createUser({ name: 'Ada Lovelace', mobile, password, roles });
  const { tokens } = await login(mobile, password);
  const { accessToken, refreshToken } = tokens;
  return { id, mobile, password, viewer: viewerOf(accessToken), refreshToken, accessToken };
}
const administrator = () => person(['CUSTOMER', 'ADMIN']);

const payload = `user { id roles status version } replayed userErrors { ${userErrorFields} }`;
async function mutate(
  name: string,
  given: Record<string, [type: string, value: unknown]>,
  by: Person,
  fields = payload,
) {
  const declared = Object.entries(given).map(([argument, [type]]) => `$${argument}: ${type}`);
  const passed = Object.keys(given).map((argument) => `${argument}: $${argument}`);
  const values = Object.fromEntries(Object.entries(given).map(([argument, [, value]]) => [argument, value]));
  const query = `mutation (${declared.join(', ')}) { ${name}(${passed.join(', ')}) { ${fields} } }`;
  const { data, errors } = await platform.run(query, values, { viewer: by.viewer });
  expect(errors).toEqual([]);
  return data[name];
}
const setRoles = (userId: string, roles: Role[], by = admin, key?: string) =>
  mutate('setRoles', { userId: ['ID!', userId], roles: ['[Role!]!', roles], idempotencyKey: ['String', key] }, by);
const suspend = (userId: string, by = admin, reason = 'Fraud', key?: string) =>
  mutate('suspendUser', { userId: ['ID!', userId], reason: ['String!', reason], idempotencyKey: ['String', key] }, by);
const reinstate = (userId: string, by = admin) => mutate('reinstateUser', { userId: ['ID!', userId] }, by);
const invite = (given: Record<string, unknown>, by = admin, key?: string) => {
  const input = { name: 'Grace Hopper', mobile: newMobile(), roles: ['OPERATOR'], ...given };
  return mutate(
    'inviteUser',
    {
      name: ['String!', input.name],
      mobile: ['String!', input.mobile],
      email: ['String', given['email']],
      roles: ['[Role!]!', input.roles],
      idempotencyKey: ['String', key],
    },
    by,
    `user { id name mobile email roles status } code expiresAt replayed userErrors { ${userErrorFields} }`,
  );
};
const resetMutation = `mutation ($mobile: String!, $code: String!, $password: String!) {
  resetPassword(mobile: $mobile, code: $code, password: $password) { ${authFields} } }`;
const reset = async (mobile: string, code: string, password = 'staple battery horse', caller: Caller = {}) =>
  (await platform.run(resetMutation, { mobile, code, password }, caller)).data.resetPassword;
const log = async (filter = '', by = admin) => {
  const answer = await platform.run(
    `{ auditLog(first: 100 ${filter}) { edges { cursor node { actor { id } action subject before after traceId } } pageInfo { hasNextPage } } }`,
    {},
    { viewer: by.viewer },
  );
  return { ...answer, entries: answer.data?.auditLog?.edges.map(({ node }: { node: unknown }) => node) };
};
const isRevoked = async ({ viewer }: Person) =>
  (await platform.runtime.redis.zScore('auth:revoked-sessions', viewer.sessionId)) !== null;
const refusal = (typename: string, code: string, path: string[] | null = null) => [
  expect.objectContaining({ __typename: typename, code, path }),
];

describe('setRoles', () => {
  it('makes a customer staff, who stays signed in, and writes it down', async () => {
    const ada = await registerPerson(platform);
    const done = await setRoles(ada.id, ['OPERATOR', 'CUSTOMER', 'OPERATOR']);
    expect(done).toEqual({
      user: { id: ada.id, roles: ['CUSTOMER', 'OPERATOR'], status: 'ACTIVE', version: 2 },
      replayed: false,
      userErrors: [],
    });
    expect(await isRevoked(ada)).toBe(false);
    const refreshed = (await platform.run(refreshMutation, { token: ada.refreshToken })).data.refreshTokens;
    expect(viewerOf(refreshed.tokens.accessToken).roles).toEqual(['CUSTOMER', 'OPERATOR']);
    expect((await log()).entries[0]).toEqual({
      actor: { id: admin.id },
      action: 'roles.set',
      subject: `user:${ada.id}`,
      before: { roles: ['CUSTOMER'] },
      after: { roles: ['CUSTOMER', 'OPERATOR'] },
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  it('that takes a role away ends the sessions: neither the tokens nor a refresh go on', async () => {
    const staff = await person(['CUSTOMER', 'OPERATOR']);
    await setRoles(staff.id, ['CUSTOMER']);
    expect(await isRevoked(staff)).toBe(true);
    const { refreshTokens } = (await platform.run(refreshMutation, { token: staff.refreshToken })).data;
    expect(refreshTokens.userErrors).toEqual([expect.objectContaining({ code: 'INVALID_CREDENTIALS' })]);
  });

  it('to the same roles changes nothing, and a repeated key is not done again', async () => {
    const ada = await registerPerson(platform);
    expect(await setRoles(ada.id, ['CUSTOMER'])).toMatchObject({ user: { version: 1 }, userErrors: [] });
    await setRoles(ada.id, ['MERCHANT'], admin, 'roles-1');
    expect(await setRoles(ada.id, ['MERCHANT'], admin, 'roles-1')).toMatchObject({
      user: { roles: ['MERCHANT'], version: 2 },
      replayed: true,
    });
    expect((await setRoles(ada.id, ['CUSTOMER'], admin, 'roles-1')).userErrors).toEqual([
      expect.objectContaining({ __typename: 'IdempotencyConflictError' }),
    ]);
  });

  it.each<[string, () => Promise<{ userErrors: unknown }>, unknown]>([
    ['by staff who are no administrators', async () => setRoles(admin.id, ['ADMIN'], await person(['OPERATOR'])), refusal('ForbiddenError', 'FORBIDDEN')],
    ['of nobody', () => setRoles('0199f3a4-0000-7000-8000-000000000000', ['ADMIN']), refusal('NotFoundError', 'NOT_FOUND', ['userId'])],
    ['of an id that is none', () => setRoles('nobody', ['ADMIN']), refusal('NotFoundError', 'NOT_FOUND', ['userId'])],
    ['to none', async () => setRoles((await registerPerson(platform)).id, []), refusal('ValidationError', 'VALIDATION', ['roles'])],
  ])('is refused %s', async (_, attempt, expected) => {
    expect((await attempt()).userErrors).toEqual(expected);
  }); // prettier-ignore

  it('is refused by an administrator who was one until now, though the token says so still', async () => {
    const other = await administrator();
    await setRoles(other.id, ['CUSTOMER']);
    const ada = await registerPerson(platform);
    expect((await setRoles(ada.id, ['ADMIN'], other)).userErrors).toEqual(refusal('ForbiddenError', 'FORBIDDEN'));
  });
});

describe('the last administrator', () => {
  it('is never taken away, whoever of many tries at the same time', async () => {
    const own = await openUserPlatform({ database: redisDatabase.administration });
    const everybody = platform;
    platform = own;
    try {
      const all = await Promise.all(Array.from({ length: 6 }, administrator));
      const attempts = all.map((one, index) => {
        const next = all[(index + 1) % all.length] as Person;
        return index % 2 === 0 ? setRoles(next.id, ['CUSTOMER'], one) : suspend(next.id, one);
      });
      const answers = await Promise.all(attempts);
      expect(answers.filter(({ userErrors }) => userErrors.length === 0).length).toBeLessThan(all.length);
      const left = await own.sql("select status from user_account where highest_role = 'ADMIN' and status = 'ACTIVE'");
      expect(left.length).toBeGreaterThan(0);
    } finally {
      platform = everybody;
      await own.close();
    }
  });

  it('can not give up the role, nor is one that is suspended or invited another one', async () => {
    const own = await openUserPlatform({ database: redisDatabase.administration });
    const everybody = platform;
    platform = own;
    try {
      const [one, other] = [await administrator(), await administrator()];
      expect((await suspend(other.id, one)).userErrors).toEqual([]);
      await invite({ roles: ['ADMIN'] }, one);
      expect((await setRoles(one.id, ['CUSTOMER'], one)).userErrors).toEqual(refusal('ForbiddenError', 'FORBIDDEN', ['userId'])); // prettier-ignore
      await reinstate(other.id, one);
      expect((await setRoles(one.id, ['CUSTOMER'], one)).userErrors).toEqual([]);
    } finally {
      platform = everybody;
      await own.close();
    }
  });
});

describe('suspendUser', () => {
  it('ends all sessions and lets no new one begin, until the user is reinstated', async () => {
    const ada = await registerPerson(platform);
    expect(await suspend(ada.id)).toMatchObject({ user: { status: 'SUSPENDED' }, userErrors: [] });
    expect(await isRevoked(ada)).toBe(true);
    expect(await login(ada.mobile, ada.password)).toMatchObject({
      tokens: null,
      userErrors: refusal('ForbiddenError', 'FORBIDDEN'),
    });
    // Who doesn't know the password learns nothing.
    expect((await login(ada.mobile, 'wrong horse battery')).userErrors).toEqual([
      expect.objectContaining({ code: 'INVALID_CREDENTIALS' }),
    ]);
    expect(await suspend(ada.id)).toMatchObject({ userErrors: [] });
    expect(await reinstate(ada.id)).toMatchObject({ user: { status: 'ACTIVE' }, userErrors: [] });
    expect((await login(ada.mobile, ada.password)).userErrors).toEqual([]);
    const entries = (await log(`actorId: "${admin.id}"`)).entries.filter(
      ({ subject }: { subject: string }) => subject === `user:${ada.id}`,
    );
    expect(entries.map(({ action, after }: { action: string; after: unknown }) => [action, after])).toEqual([
      ['user.reinstated', { status: 'ACTIVE' }],
      ['user.suspended', { status: 'SUSPENDED', reason: 'Fraud' }],
    ]);
  });

  it('beside sign-ins of the same user leaves no session', async () => {
    const ada = await registerPerson(platform);
    const signIns = Array.from({ length: 8 }, () => login(ada.mobile, ada.password));
    await suspend(ada.id);
    await Promise.all(signIns);
    expect(
      await platform.sql('select id from user_session where user_id = unhex(?) and revoked_at is null', [
        ada.id.replaceAll('-', ''),
      ]),
    ).toEqual([]);
  });

  it.each<[string, () => Promise<{ userErrors: unknown }>, unknown]>([
    ['of oneself', () => suspend(admin.id), refusal('ForbiddenError', 'FORBIDDEN', ['userId'])],
    ['without a reason', async () => suspend((await registerPerson(platform)).id, admin, '  '), refusal('ValidationError', 'VALIDATION', ['reason'])],
    ['by customers', async () => suspend(admin.id, await registerPerson(platform)), refusal('ForbiddenError', 'FORBIDDEN')],
    ['of nobody', () => suspend('nobody'), refusal('NotFoundError', 'NOT_FOUND', ['userId'])],
    ['(taken back) by customers', async () => reinstate(admin.id, await registerPerson(platform)), refusal('ForbiddenError', 'FORBIDDEN')],
  ])('is refused %s', async (_, attempt, expected) => {
    expect((await attempt()).userErrors).toEqual(expected);
  }); // prettier-ignore
});

describe('inviteUser', () => {
  it('makes an account whose owner sets a password by the code, once, and is staff', async () => {
    const mobile = newMobile();
    const invited = await invite({ mobile: `+${mobile}`, email: ' grace@example.com ' });
    expect(invited).toEqual({
      user: {
        id: expect.any(String),
        name: 'Grace Hopper',
        mobile,
        email: 'grace@example.com',
        roles: ['OPERATOR'],
        status: 'INVITED',
      },
      code: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/),
      expiresAt: expect.any(String),
      replayed: false,
      userErrors: [],
    });
    const { code } = invited;
    const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
    const done = await reset(mobile, typed);
    expect(done).toMatchObject({ user: { id: invited.user.id, roles: ['OPERATOR'] }, userErrors: [] });
    expect(viewerOf(done.tokens.accessToken).roles).toEqual(['OPERATOR']);
    expect((await login(mobile, 'staple battery horse')).userErrors).toEqual([]);
    expect((await reset(mobile, code)).userErrors).toEqual([expect.objectContaining({ code: 'INVALID_CREDENTIALS' })]);
    const staff = await platform.run('{ staff(role: OPERATOR) { edges { node { id status } } totalCount } }', {}, { viewer: admin.viewer }); // prettier-ignore
    expect(staff.data.staff.edges).toContainEqual({ node: { id: invited.user.id, status: 'ACTIVE' } });
    expect(JSON.stringify(await log())).not.toContain(code);
  });

  it('again gives a new code, and the earlier one is dead', async () => {
    const mobile = newMobile();
    const first = await invite({ mobile });
    const second = await invite({ mobile, name: 'Grace Murray Hopper', roles: ['MERCHANT'] });
    expect(second.user).toMatchObject({ id: first.user.id, name: 'Grace Murray Hopper', roles: ['MERCHANT'] });
    expect((await reset(mobile, first.code)).user).toBeNull();
    expect((await reset(mobile, second.code)).userErrors).toEqual([]);
    expect((await invite({ mobile })).userErrors).toEqual(refusal('MobileTakenError', 'MOBILE_TAKEN', ['mobile']));
  });

  it('again, while its owner sets a password by the code before, gives no way into the account', async () => {
    const mobile = newMobile();
    const { user } = await invite({ mobile });
    const id = Buffer.from(user.id.replaceAll('-', ''), 'hex');
    let second: Promise<{ user: unknown; userErrors: unknown }> | undefined;
    await platform.withDependencies(({ db }) =>
      db.transaction(async (tx) => {
        await write(tx, "update user_account set status = 'ACTIVE' where id = ?", [id]);
        second = invite({ mobile, roles: ['ADMIN'] });
        const waiting = () => platform.sql("select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT' and trx_query like '%user_account%'"); // prettier-ignore
        // The server makes this table anew when nobody has read it for 100 ms.
        await until(async () => (await waiting()).length > 0, { everyMs: 150 });
      }),
    );
    expect(await second).toMatchObject({ user: null, userErrors: refusal('MobileTakenError', 'MOBILE_TAKEN', ['mobile']) }); // prettier-ignore
    expect(await platform.sql('select roles from user_account where id = ?', [id])).toEqual([{ roles: 'OPERATOR' }]);
  });

  it('with a repeated key invites once, and shows no code again', async () => {
    const mobile = newMobile();
    const first = await invite({ mobile }, admin, 'invite-1');
    expect(await invite({ mobile }, admin, 'invite-1')).toMatchObject({
      user: { id: first.user.id },
      code: null,
      expiresAt: null,
      replayed: true,
      userErrors: [],
    });
    expect((await reset(mobile, first.code)).userErrors).toEqual([]);
  });

  it('of one number at the same time makes one account', async () => {
    const mobile = newMobile();
    const answers = await Promise.all(Array.from({ length: 6 }, () => invite({ mobile })));
    const ids = new Set(answers.map(({ user }) => user?.id).filter((id) => id !== undefined));
    expect(ids.size).toBe(1);
  });

  it.each<[string, Record<string, unknown>, unknown]>([
    ['without a name', { name: ' ' }, refusal('ValidationError', 'VALIDATION', ['name'])],
    ['with a number that is none', { mobile: '12' }, refusal('ValidationError', 'VALIDATION', ['mobile'])],
    ['with an address that is none', { email: 'grace' }, refusal('ValidationError', 'VALIDATION', ['email'])],
    ['without a role', { roles: [] }, refusal('ValidationError', 'VALIDATION', ['roles'])],
  ])('is refused %s', async (_, given, expected) => {
    expect(await invite(given)).toMatchObject({ user: null, code: null, userErrors: expected });
  });

  it('is refused for a number that an account has, and by customers', async () => {
    const ada = await registerPerson(platform);
    expect((await invite({ mobile: ada.mobile })).userErrors).toEqual(refusal('MobileTakenError', 'MOBILE_TAKEN', ['mobile'])); // prettier-ignore
    expect((await invite({}, ada)).userErrors).toEqual(refusal('ForbiddenError', 'FORBIDDEN'));
  });

  it('is not what an account becomes that signs in by an identity alone, and is suspended and reinstated', async () => {
    const { user } = await invite({});
    await suspend(user.id);
    await platform.sql("insert into user_identity (type, issuer, subject, user_id, linked_at) values ('OIDC', 'https://id.example', ?, unhex(?), now(3))", [user.id, user.id.replaceAll('-', '')]); // prettier-ignore
    expect((await reinstate(user.id)).user).toMatchObject({ status: 'ACTIVE' });
  });

  it('of an account that is suspended meanwhile leads nowhere', async () => {
    const { user, code } = await invite({});
    await suspend(user.id);
    expect((await reset(user.mobile, code)).user).toBeNull();
    expect((await reinstate(user.id)).user).toMatchObject({ status: 'INVITED' });
    expect((await reset(user.mobile, code)).user).toBeNull();
  });
});

describe('resetPassword', () => {
  it('looks at five tries of a code, also at the same time, and then not at the right one either', async () => {
    const { user, code } = await invite({});
    await Promise.all(Array.from({ length: 8 }, (_, nth) => reset(user.mobile, `WRONG-${nth}`)));
    expect((await reset(user.mobile, code)).userErrors).toEqual([
      expect.objectContaining({ code: 'INVALID_CREDENTIALS' }),
    ]);
    const [row] = await platform.sql('select tries from one_time_code where user_id = unhex(?)', [user.id.replaceAll('-', '')]); // prettier-ignore
    expect(Number(row?.['tries'])).toBe(5);
  });

  it('gives an unknown number and a wrong code the same answer', async () => {
    const { user } = await invite({});
    const unknown = await reset(newMobile(), 'AAAA-BBBB-CCCC');
    expect(unknown).toEqual(await reset(user.mobile, 'AAAA-BBBB-CCCC'));
    expect(unknown.userErrors).toEqual([expect.objectContaining({ code: 'INVALID_CREDENTIALS' })]);
  });

  it('uses a code once, also at the same time', async () => {
    const { user, code } = await invite({});
    const answers = await Promise.all(Array.from({ length: 4 }, () => reset(user.mobile, code)));
    expect(answers.filter(({ tokens }) => tokens !== null)).toHaveLength(1);
  });

  it('with a password that breaks a rule leaves the code as it is', async () => {
    const { user, code } = await invite({ name: 'Grace Brewster Hopper' });
    expect((await reset(user.mobile, code, 'short')).userErrors).toEqual(refusal('ValidationError', 'VALIDATION', ['password'])); // prettier-ignore
    expect((await reset(user.mobile, code, user.mobile)).userErrors).toEqual(refusal('ValidationError', 'VALIDATION', ['password'])); // prettier-ignore
    expect((await reset(user.mobile, code)).userErrors).toEqual([]);
  });

  it('by a code that has ended is refused, and the job forgets it', async () => {
    const { user, code } = await invite({});
    const ofUser = [user.id.replaceAll('-', '')];
    await platform.sql('update one_time_code set expires_at = utc_timestamp(3) where user_id = unhex(?)', ofUser);
    expect((await reset(user.mobile, code)).user).toBeNull();
    await platform.withDependencies(cleanUp);
    expect(await platform.sql('select user_id from one_time_code where user_id = unhex(?)', ofUser)).toEqual([]);
  });
});

describe('sessions', () => {
  const sessionsOf = (by: Person, id = by.id) =>
    platform.run(`{ user(id: "${id}") { sessions { id current createdAt lastUsedAt } } }`, {}, { viewer: by.viewer });
  const revoke = (sessionId: string, by: Person) => mutate('revokeSession', { sessionId: ['ID!', sessionId] }, by);
  const revokeAll = (by: Person, userId?: string) => mutate('revokeAllSessions', { userId: ['ID', userId] }, by);

  it('are those that have not ended, and one of them asks', async () => {
    const ada = await registerPerson(platform);
    const other = viewerOf((await login(ada.mobile, ada.password)).tokens.accessToken);
    const { data } = await sessionsOf(ada);
    expect(data.user.sessions.map(({ id, current }: { id: string; current: boolean }) => [id, current])).toEqual(
      expect.arrayContaining([
        [ada.viewer.sessionId, true],
        [other.sessionId, false],
      ]),
    );
    expect((await revoke(other.sessionId, ada)).userErrors).toEqual([]);
    expect((await revoke(other.sessionId, ada)).userErrors).toEqual([]);
    expect((await sessionsOf(ada)).data.user.sessions).toHaveLength(1);
    expect(await isRevoked({ ...ada, viewer: other })).toBe(true);
    expect(await isRevoked(ada)).toBe(false);
  });

  it('of others are ended by administrators alone, who see them and are written down', async () => {
    const [ada, eve] = [await registerPerson(platform), await registerPerson(platform)];
    expect((await revoke(ada.viewer.sessionId, eve)).userErrors).toEqual(refusal('NotFoundError', 'NOT_FOUND', ['sessionId'])); // prettier-ignore
    expect((await revoke('nothing', eve)).userErrors).toEqual(refusal('NotFoundError', 'NOT_FOUND', ['sessionId']));
    expect((await revokeAll(eve, ada.id)).userErrors).toEqual(refusal('ForbiddenError', 'FORBIDDEN', ['userId']));
    const operator = await person(['OPERATOR']);
    expect((await sessionsOf(operator, ada.id)).errors).toEqual([expect.objectContaining({ code: 'FORBIDDEN' })]);
    expect((await sessionsOf(admin, ada.id)).data.user.sessions).toHaveLength(1);
    expect((await revokeAll(admin, ada.id)).userErrors).toEqual([]);
    expect(await isRevoked(ada)).toBe(true);
    expect((await log('action: "sessions.revoked"')).entries[0]).toMatchObject({
      subject: `user:${ada.id}`,
      before: { sessions: [ada.viewer.sessionId] },
    });
  });

  it('of one’s own all end, that which asks too', async () => {
    const ada = await registerPerson(platform);
    await login(ada.mobile, ada.password);
    expect((await revokeAll(ada)).userErrors).toEqual([]);
    expect(await isRevoked(ada)).toBe(true);
    expect((await platform.sql('select id from user_session where user_id = unhex(?) and revoked_at is null', [ada.id.replaceAll('-', '')]))).toEqual([]); // prettier-ignore
  });
});

describe('lists', () => {
  const query = 'query ($first: Int, $after: String) { staff(first: $first, after: $after) { edges { cursor node { id roles } } pageInfo { hasNextPage endCursor } totalCount } }'; // prettier-ignore

  it('of staff have everybody with more than the role CUSTOMER once, page by page, and are for staff', async () => {
    await registerPerson(platform);
    const merchant = await person(['MERCHANT']);
    const seen: string[] = [];
    let count = 0;
    for (let after: string | null = null; ;) {
      const { data } = await platform.run(query, { first: 2, after }, { viewer: admin.viewer });
      const { edges, pageInfo, totalCount } = data.staff;
      seen.push(...edges.map(({ node }: { node: { id: string } }) => node.id));
      count = totalCount;
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(count);
    expect(seen).toEqual(expect.arrayContaining([admin.id, merchant.id]));
    expect(seen).toEqual(seen.toSorted().toReversed());
    const customer = await registerPerson(platform);
    expect((await platform.run(query, {}, { viewer: customer.viewer })).errors[0]).toMatchObject({ code: 'FORBIDDEN' });
    expect((await platform.run(query, { after: 'x' }, { viewer: admin.viewer })).errors[0]).toMatchObject({ code: 'BAD_USER_INPUT' }); // prettier-ignore
  });

  it('of the audit log are for administrators, and find what was done to credentials', async () => {
    const pair = { app: 'reviews', service: 'product' };
    const fields = { app: ['String!', pair.app], service: ['String!', pair.service] } as const;
    const given = Object.fromEntries(Object.entries(fields)) as Record<string, [string, unknown]>;
    const credential = `credential { app } userErrors { ${userErrorFields} }`;
    await mutate('issueServiceCredential', given, admin, credential);
    await mutate('revokeServiceCredential', given, admin, credential);
    const { entries } = await log(`actorId: "${admin.id}"`);
    expect(entries.slice(0, 2).map(({ action, subject }: Record<string, string>) => [action, subject])).toEqual([
      ['credential.revoked', 'credential:reviews:product'],
      ['credential.issued', 'credential:reviews:product'],
    ]);
    expect((await log('actorId: "nobody"')).entries).toEqual([]);
    expect((await log('', await person(['OPERATOR']))).errors[0]).toMatchObject({ code: 'FORBIDDEN' });
  });
});
