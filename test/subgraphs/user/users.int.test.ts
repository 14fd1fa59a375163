import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { callerHeaders } from '../../../subgraphs/shared/auth/caller-headers.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Person, type UserPlatform, newMobile, openUserPlatform, registerPerson, viewerWith } from './support.ts';

let platform: UserPlatform;
let ada: Person;
let bob: Person;
const staff = viewerWith('OPERATOR');

beforeAll(async () => {
  platform = await openUserPlatform();
  ada = await registerPerson(platform, { name: 'Ada Lovelace' });
  bob = await registerPerson(platform, { name: 'Bob' });
});
afterAll(() => platform.close());

const fields =
  'id name nickname gender mobile avatar info roles identities { type key linkedAt } createdAt updatedAt version';

describe('me and user', () => {
  test('the signed-in user sees all of the own account', async () => {
    const { data, errors } = await platform.run(`{ me { ${fields} } }`, {}, { viewer: ada.viewer });
    expect(errors).toEqual([]);
    expect(data.me).toMatchObject({
      id: ada.id,
      name: 'Ada Lovelace',
      mobile: ada.mobile,
      roles: ['CUSTOMER'],
      version: 1,
    });
  });

  test('nobody has no me', async () => {
    expect(await platform.run('{ me { id } }')).toMatchObject({
      data: { me: null },
      errors: [{ code: 'UNAUTHENTICATED' }],
    });
  });

  test('a customer sees the own account by id, and of others, unknown ids and nonsense the same nothing', async () => {
    const user = (id: string) =>
      platform.run('query ($id: ID!) { user(id: $id) { id mobile } }', { id }, { viewer: ada.viewer });
    expect((await user(ada.id)).data.user).toEqual({ id: ada.id, mobile: ada.mobile });
    const nothing = await user(bob.id);
    expect(nothing).toMatchObject({ data: { user: null }, errors: [{ code: 'NOT_FOUND' }] });
    for (const id of [newId(), 'nonsense', '']) expect(await user(id)).toEqual(nothing);
  });

  test('staff see anybody', async () => {
    const { data } = await platform.run(
      `query ($id: ID!) { user(id: $id) { ${fields} } }`,
      { id: bob.id },
      { viewer: staff },
    );
    expect(data.user).toMatchObject({ id: bob.id, mobile: bob.mobile });
    expect((await platform.run('{ user(id: "nonsense") { id } }', {}, { viewer: staff })).errors).toMatchObject([
      { code: 'NOT_FOUND' },
    ]);
  });
});

describe('references from other subgraphs', () => {
  const query = `query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on User { ${fields} } } }`;
  const entities = async (ids: string[], caller: Parameters<UserPlatform['run']>[2]) =>
    (
      await platform.run(query, { representations: ids.map((id) => ({ __typename: 'User', id })) }, caller)
    ).data._entities.map((user: { id: string } | null) => user?.id ?? null);

  test('resolve for the user, for staff and for services; for everybody else they are null', async () => {
    const ids = [ada.id, bob.id, newId(), 'nonsense'];
    expect(await entities(ids, { viewer: ada.viewer })).toEqual([ada.id, null, null, null]);
    expect(await entities(ids, { viewer: staff })).toEqual([ada.id, bob.id, null, null]);
    expect(await entities(ids, { app: 'order' })).toEqual([ada.id, bob.id, null, null]);
    expect(await entities(ids, {})).toEqual([null, null, null, null]);
  });

  test('a hundred of them are read by one statement', async () => {
    const people = await Promise.all(Array.from({ length: 12 }, () => registerPerson(platform)));
    const ids = Array.from({ length: 100 }, (_, index) => people[index % people.length]?.id ?? '');
    // The log is the server's own, so whatever is sent is counted; other schemas' statements are left out by the user's name.
    await platform.sql("set global log_output = 'TABLE'");
    await platform.sql('set global general_log = 1');
    await platform.run('{ __typename }', {}, { app: 'order' });
    const statements = async () =>
      Number(
        (
          await platform.sql(
            "select count(*) as n from mysql.general_log where user_host like ? and command_type in ('Query', 'Execute') and argument like 'select%user_account%'",
            [`${platform.schema}%`],
          )
        )[0]?.['n'],
      );
    const before = await statements();
    expect(await entities(ids, { app: 'order' })).toEqual(ids);
    const sent = (await statements()) - before;
    await platform.sql('set global general_log = 0');
    expect(sent).toBe(1);
  });

  test('more than a hundred are refused', async () => {
    const representations = Array.from({ length: 101 }, () => ({ __typename: 'User', id: ada.id }));
    expect((await platform.run(query, { representations }, { app: 'order' })).errors).toMatchObject([
      { code: 'BAD_USER_INPUT' },
    ]);
  });
});

describe('users', () => {
  const query =
    'query ($first: Int, $after: String, $query: String) { users(first: $first, after: $after, query: $query) { edges { cursor node { id name } } pageInfo { hasNextPage hasPreviousPage endCursor } totalCount } }';
  const users = async (variables: Record<string, unknown>) =>
    (await platform.run(query, variables, { viewer: staff })).data.users;

  test('pages through everybody once, newest first', async () => {
    for (let index = 0; index < 5; index += 1) await registerPerson(platform);
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page: {
        edges: { node: { id: string } }[];
        pageInfo: { hasNextPage: boolean; endCursor: string };
        totalCount: number;
      } = await users({ first: 3, after });
      seen.push(...page.edges.map(({ node }) => node.id));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      expect(page.totalCount).toBeGreaterThanOrEqual(7);
    } while (after !== null);
    expect(seen).toEqual([...new Set(seen)].toSorted().toReversed());
    expect(seen).toEqual(expect.arrayContaining([ada.id, bob.id]));
  });

  test('finds by the beginning of a name in any case, and of a mobile number', async () => {
    const mobile = newMobile();
    const zoe = await registerPerson(platform, { name: 'Zoë 100%_sure', mobile });
    for (const text of ['zoë', ' ZOË 100%_', mobile.slice(0, -1), mobile, `+${mobile.slice(0, 2)} ${mobile.slice(2)}`])
      expect((await users({ query: text })).edges.map(({ node }: { node: { id: string } }) => node.id)).toContain(
        zoe.id,
      );
    for (const text of ['%sure', 'Z__ 1', 'zo%', "' or 1=1 --", '|', 'x'.repeat(5000)])
      expect((await users({ query: text })).totalCount).toBe(0);
  });

  test('finds a name however its letters are spelled, also one that was kept before and one that was changed', async () => {
    const idsFor = async (text: string): Promise<string[]> =>
      (await users({ query: text })).edges.map(({ node }: { node: { id: string } }) => node.id);
    const rose = await registerPerson(platform, { name: 'Ro\u0308schen  Größe' });
    const spellings = ['Röschen größe', 'Ro\u0308schen', 'ROSCHEN GROSSE', 'roschen gro\u0308', 'Ｒöschen', '\u202aRöschen\u202c', 'Rös\u200bchen'];
    for (const text of spellings) expect([text, await idsFor(text)]).toEqual([text, [rose.id]]);
    for (const text of ['\u0301', 'Röschen%', 'öschen']) expect([text, await idsFor(text)]).toEqual([text, []]);
    expect((await users({ query: ' \u200b ' })).totalCount).toBe((await users({})).totalCount);

    await platform.run('mutation { updateProfile(input: { name: "Ｚａｒａ Ñu" }) { userErrors { __typename } } }', {}, { viewer: rose.viewer });
    for (const text of ['zara n\u0303u', 'ZARA NU']) expect([text, await idsFor(text)]).toEqual([text, [rose.id]]);
    expect(await idsFor('Röschen')).toEqual([]);
  }); // prettier-ignore

  test('[PG-2] finds by a whole e-mail address, a verified one in either case', async () => {
    const idsFor = async (text: string): Promise<string[]> =>
      (await users({ query: text })).edges.map(({ node }: { node: { id: string } }) => node.id);
    const [given, verified] = [await registerPerson(platform), await registerPerson(platform)];
    const keep = (id: string, email: string, key: string | null) =>
      platform.sql('update user_account set email = ?, verified_email = ? where id = ?', [email, key, idToBytes(id)]);
    await keep(given.id, 'Emmy@example.com', null);
    await keep(verified.id, 'Lise.Meitner@xn--mller-kva.example', 'lise.meitner@xn--mller-kva.example');
    for (const text of ['Emmy@example.com', ' Emmy@EXAMPLE.com ']) expect(await idsFor(text)).toEqual([given.id]);
    for (const text of ['lise.meitner@MÜLLER.example', 'LISE.MEITNER@xn--mller-kva.example'])
      expect(await idsFor(text)).toEqual([verified.id]);
    for (const text of ['Emmy@example', 'mmy@example.com', 'Emmy@example.co%', '@', 'Emmy@']) expect(await idsFor(text)).toEqual([]);
  }); // prettier-ignore

  test('refuses page sizes and cursors that are none', async () => {
    for (const variables of [
      { first: 0 },
      { first: 101 },
      { after: 'nonsense' },
      { after: Buffer.from('["x"]').toString('base64url') },
      { after: Buffer.from('[1]').toString('base64url') },
    ]) {
      expect((await platform.run(query, variables, { viewer: staff })).errors).toMatchObject([
        { code: 'BAD_USER_INPUT' },
      ]);
    }
  });

  test('are for staff only', async () => {
    expect((await platform.run(query, {}, { viewer: ada.viewer })).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await platform.run(query)).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    expect((await platform.run(query, {}, { app: 'order' })).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });
});

describe('updateProfile', () => {
  const mutation = `mutation ($input: UpdateProfileInput!, $key: String) { updateProfile(input: $input, idempotencyKey: $key) {
    user { ${fields} } replayed userErrors { __typename ... on UserError { code path } ... on ConflictError { expectedVersion actualVersion } } } }`;
  const update = async (person: Person, input: Record<string, unknown>, key?: string) =>
    (await platform.run(mutation, { input, key }, { viewer: person.viewer })).data.updateProfile;

  test('changes what is given and nothing else', async () => {
    const person = await registerPerson(platform, { name: 'Before', nickname: 'nick' });
    const { user } = await update(person, {
      name: ' After ',
      avatar: '/avatars/1.png',
      info: 'one\ntwo',
      gender: 'MALE',
    });
    expect(user).toMatchObject({
      name: 'After',
      nickname: 'nick',
      avatar: '/avatars/1.png',
      info: 'one\ntwo',
      gender: 'MALE',
      version: 2,
    });
    expect((await update(person, { nickname: null, gender: null })).user).toMatchObject({
      name: 'After',
      nickname: null,
      gender: 'UNSPECIFIED',
      version: 3,
    });
    expect((await update(person, {})).user.version).toBe(3);
  });

  test('refuses an outdated version and says both', async () => {
    const person = await registerPerson(platform);
    await update(person, { info: 'x', expectedVersion: 1 });
    for (const input of [{ info: 'y', expectedVersion: 1 }, { expectedVersion: 1 }]) {
      expect(await update(person, input)).toMatchObject({
        user: null,
        userErrors: [{ __typename: 'ConflictError', expectedVersion: 1, actualVersion: 2 }],
      });
    }
  });

  test('of several changes of one version at the same time exactly one succeeds', async () => {
    const person = await registerPerson(platform);
    const payloads = await Promise.all(
      Array.from({ length: 8 }, (_, index) => update(person, { info: `change ${index}`, expectedVersion: 1 })),
    );
    expect(payloads.filter(({ user }) => user !== null)).toHaveLength(1);
  });

  test('changes once for one key, and refuses the key for another change', async () => {
    const person = await registerPerson(platform);
    expect(await update(person, { info: 'x' }, 'k')).toMatchObject({ replayed: false, user: { version: 2 } });
    expect(await update(person, { info: 'x' }, 'k')).toMatchObject({ replayed: true, user: { version: 2 } });
    expect((await update(person, { info: 'y' }, 'k')).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  });

  test('refuses what breaks a rule, all at once', async () => {
    const person = await registerPerson(platform);
    const { userErrors } = await update(person, {
      name: null,
      nickname: '',
      avatar: 'javascript:alert(1)',
      info: 'x'.repeat(1025),
    });
    expect(userErrors.map(({ path }: { path: string[] }) => path[1]).toSorted()).toEqual([
      'avatar',
      'info',
      'name',
      'nickname',
    ]);
  });

  test('of nobody is UNAUTHENTICATED, of a user who does not exist NOT_FOUND', async () => {
    expect((await platform.run(mutation, { input: {} })).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    expect(
      (await platform.run(mutation, { input: { info: 'x' } }, { viewer: viewerWith('CUSTOMER') })).data.updateProfile
        .userErrors,
    ).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
});

test('a caller without app and token gets nothing', async () => {
  const result = await platform.subgraph.execute({
    query: '{ me { id } }',
    headers: { [callerHeaders.identity]: 'x' },
  });
  expect(result.errors?.[0]?.extensions['code']).toBe('UNAUTHORISED_CALLER');
});
