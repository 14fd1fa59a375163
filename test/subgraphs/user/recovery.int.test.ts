import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pino from 'pino';
import { sendResetCodes } from '../../../subgraphs/user/password-reset/send-reset-codes.ts';
import { cleanUp } from '../../../subgraphs/user/jobs.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { openSealer } from '../../../subgraphs/user/notifications/secrets.ts';
import { openCodeSender } from '../../../subgraphs/user/notifications/send-code.ts';
import type { UserDeps } from '../../../subgraphs/user/dependencies.ts';
import { sentDuring, statementsTo } from '../../support/statements.ts';
import {
  type Caller,
  type Person,
  type UserPlatform,
  authFields,
  loginMutation,
  newMobile,
  openUserPlatform,
  registerPerson,
  userErrorFields,
} from './support.ts';

/** A code that waits to be sent. */
type Code = { readonly kind: string; readonly to: string; readonly code: string };

let platform: UserPlatform;
let enqueued: readonly Code[] = [];
beforeAll(async () => {
  platform = await openUserPlatform({ env: { NODE_ENV: 'development' } });
});
/** Reads what the worker would send, which does not run here. */
async function readEnqueued(): Promise<void> {
  const sealer = openSealer(platform.runtime.config.identitySecret);
  const rows = await platform.sql('select d.address, d.secret, n.kind from notification_delivery d join notification n on n.id = d.notification_id where d.secret is not null order by n.created_at, n.id'); // prettier-ignore
  enqueued = rows.map(({ address, secret, kind }) => ({ kind: String(kind), to: String(address).replace(/^\+/, ''), code: sealer.open(secret as Buffer) })); // prettier-ignore
}
afterAll(() => platform.close());

let lastAddress = 0;
/** From where nobody has asked before. */
const fromElsewhere = (): Caller => ({
  address: `198.51.${Math.floor((lastAddress += 1) / 250)}.${lastAddress % 250}`,
});
const codesTo = (to: string): Code[] => enqueued.filter((code) => code.to === to);
const codeTo = (to: string): string => codesTo(to).at(-1)?.code ?? '';

const forget = (mobile: string, caller = fromElsewhere()) =>
  platform.run('mutation ($mobile: String!) { requestPasswordReset(mobile: $mobile) }', { mobile }, caller);
async function handOut(deps: (own: UserDeps) => UserDeps = (own) => own): Promise<void> {
  try {
    await platform.withDependencies((own) => sendResetCodes(deps(own)));
  } finally {
    await readEnqueued();
  }
}
async function forgotten(mobile: string): Promise<string> {
  expect(await forget(mobile)).toEqual({ data: { requestPasswordReset: true }, errors: [] });
  await handOut();
  return codeTo(mobile);
}
const resetMutation = `mutation ($mobile: String!, $code: String!, $password: String!) {
  resetPassword(mobile: $mobile, code: $code, password: $password) { ${authFields} } }`;
const reset = async (mobile: string, code: string, caller: Caller = fromElsewhere()) =>
  (await platform.run(resetMutation, { mobile, code, password: 'staple battery horse' }, caller)).data.resetPassword;
const login = async (mobile: string, password: string) =>
  (await platform.run(loginMutation, { mobile, password }, fromElsewhere())).data.login;
const bytesOf = (id: string) => id.replaceAll('-', '');

const user = 'user { id email emailVerified version } replayed';
const ask = async (person: Person, given: Record<string, unknown>, caller: Caller = {}) => {
  const { data, errors } = await platform.run(
    `mutation ($email: String, $password: String, $key: String) {
      requestEmailVerification(email: $email, password: $password, idempotencyKey: $key) { ${user} userErrors { ${userErrorFields} } } }`,
    { password: person.password, ...given },
    { viewer: person.viewer, ...caller },
  );
  await readEnqueued();
  return data?.requestEmailVerification ?? { errors };
};
const verify = async (person: Person, code: string, key?: string) =>
  (
    await platform.run(
      `mutation ($code: String!, $key: String) { verifyEmail(code: $code, idempotencyKey: $key) { ${user} userErrors { ${userErrorFields} } } }`,
      { code, key },
      { viewer: person.viewer },
    )
  ).data.verifyEmail;
async function withEmail(email: string): Promise<Person> {
  const person = await registerPerson(platform);
  await ask(person, { email });
  expect((await verify(person, codeTo(email))).userErrors).toEqual([]);
  return person;
}
const refusal = (code: string, path: string[] | null = null) => [expect.objectContaining({ code, path })];
let lastEmail = 0;
const newEmail = () => `Ada.${Date.now()}.${(lastEmail += 1)}@example.com`;

describe('a forgotten password', () => {
  it('[PM-1] is set anew by a code, which ends all sessions and works once', async () => {
    const ada = await registerPerson(platform);
    const code = await forgotten(ada.mobile);
    const done = await reset(`+${ada.mobile}`, code.toLowerCase().replaceAll('-', ' '));
    expect(done).toMatchObject({ user: { id: ada.id }, tokens: { accessToken: expect.any(String) }, userErrors: [] });
    expect(await platform.runtime.redis.zScore('auth:revoked-sessions', ada.viewer.sessionId)).not.toBeNull();
    expect((await login(ada.mobile, ada.password)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
    expect((await login(ada.mobile, 'staple battery horse')).userErrors).toEqual([]);
    expect((await reset(ada.mobile, code)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
  });

  it('leaves the password and the sessions as they are until the code is used', async () => {
    const ada = await registerPerson(platform);
    await forgotten(ada.mobile);
    expect((await login(ada.mobile, ada.password)).userErrors).toEqual([]);
    expect(await platform.runtime.redis.zScore('auth:revoked-sessions', ada.viewer.sessionId)).toBeNull();
  });

  it('[PM-1] costs the same statements for a number that nobody has, none of which looks for an account', async () => {
    const ada = await registerPerson(platform);
    const redis = platform.runtime.redis;
    const work = async (mobile: string) => {
      const [evaluated, published] = [jest.spyOn(redis, 'eval'), jest.spyOn(platform.runtime.live, 'publish')];
      let answer: unknown;
      const sent = await sentDuring(async () => {
        answer = await forget(mobile);
      });
      const calls = { evaluated: evaluated.mock.calls.length, published: published.mock.calls };
      evaluated.mockRestore();
      published.mockRestore();
      const statements = statementsTo(platform.schema, sent).map((text) => text.replaceAll(/X?'[^']*'/g, '?'));
      return { answer, statements, ...calls };
    };
    const known = await work(ada.mobile);
    expect(known.statements).toEqual([
      'insert into password_reset_request (id, mobile, requested_at) values (?, ?, ?)',
    ]);
    expect(known.evaluated).toBe(2);
    for (const unknown of [newMobile(), newMobile()]) expect(await work(unknown)).toEqual(known);
    await handOut();
  });

  it('takes as long for a number that nobody has', async () => {
    const people = await Promise.all([1, 2, 3].map(() => registerPerson(platform)));
    const timesMs: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
    const timed = async (kind: keyof typeof timesMs, mobile: string) => {
      const caller = fromElsewhere();
      const beganMs = performance.now();
      await forget(mobile, caller);
      timesMs[kind].push(performance.now() - beganMs);
    };
    for (let round = 0; round < 15; round += 1) {
      await timed('known', people[round % 3]?.mobile ?? '');
      await timed('unknown', newMobile());
    }
    const median = (values: number[]) => values.toSorted((one, other) => one - other)[7] ?? 0;
    // The work is counted above; this is to see a wait that no statement shows.
    expect(Math.abs(median(timesMs.known) - median(timesMs.unknown))).toBeLessThan(50);
    await handOut();
  });

  it('sends nothing to a number that nobody has, nor to accounts that are invited or suspended', async () => {
    const [nobody, suspended, invited] = [newMobile(), await registerPerson(platform), await registerPerson(platform)];
    for (const [person, status] of [[suspended, 'SUSPENDED'], [invited, 'INVITED']] as const)
      await platform.sql('update user_account set status = ? where id = unhex(?)', [status, bytesOf(person.id)]); // prettier-ignore
    for (const mobile of [nobody, suspended.mobile, invited.mobile]) {
      await forgotten(mobile);
      expect(codesTo(mobile)).toEqual([]);
    }
    expect(await platform.sql('select id from password_reset_request')).toEqual([]);
  });

  it('goes to the verified e-mail address where there is one, and the number hears nothing', async () => {
    const email = newEmail();
    const ada = await withEmail(email);
    await forget(ada.mobile);
    await handOut();
    expect(codesTo(email).at(-1)).toMatchObject({ kind: 'PASSWORD_RESET' });
    expect(codesTo(ada.mobile)).toEqual([]);
    expect((await reset(ada.mobile, codeTo(email))).userErrors).toEqual([]);
  });

  it('goes to no address that is not verified, also where nobody sends SMS', async () => {
    const email = newEmail();
    const ada = await registerPerson(platform);
    await platform.sql('update user_account set email = ? where id = unhex(?)', [email, bytesOf(ada.id)]);
    await forget(ada.mobile);
    await handOut((deps) => ({ ...deps, outward: new Set(['EMAIL']) }));
    expect(codesTo(email)).toEqual([]);
    await forget(ada.mobile);
    await handOut();
    expect(codesTo(email)).toEqual([]);
    expect((await reset(ada.mobile, codeTo(ada.mobile))).userErrors).toEqual([]);
  });

  it('[PM-1] ends where the password is changed or an address verified meanwhile, and ends a code for an address', async () => {
    const ada = await registerPerson(platform);
    const first = await forgotten(ada.mobile);
    const changed = await platform.run(
      `mutation { changePassword(current: "${ada.password}", next: "horse staple battery") { userErrors { ${userErrorFields} } } }`,
      {},
      { viewer: ada.viewer },
    );
    expect(changed.data.changePassword.userErrors).toEqual([]);
    expect((await reset(ada.mobile, first)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));

    const bo = await registerPerson(platform);
    const [second, email, other] = [await forgotten(bo.mobile), newEmail(), newEmail()];
    await ask(bo, { email });
    expect((await verify(bo, codeTo(email))).userErrors).toEqual([]);
    expect((await reset(bo.mobile, second)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));

    await ask(bo, { email: other });
    await forget(bo.mobile);
    await handOut();
    expect((await reset(bo.mobile, codeTo(email))).userErrors).toEqual([]);
    expect((await verify(bo, codeTo(other))).userErrors).toEqual(refusal('INVALID_CREDENTIALS', ['code']));
  });

  it('[PM-1] is asked for five times in a window by number and then refused, whoever has it, from wherever', async () => {
    for (const mobile of [(await registerPerson(platform)).mobile, newMobile()]) {
      for (let time = 0; time < 5; time += 1) expect((await forget(mobile)).errors).toEqual([]);
      const { data, errors } = await forget(`+${mobile}`);
      expect({ data, errors }).toEqual({
        data: null,
        errors: [{ code: 'TOO_MANY_REQUESTS', message: 'Too many codes were asked for; try again in 15 minutes.' }],
      });
    }
    await handOut();
  });

  it('is asked for so often from one address, and then refused', async () => {
    const own = await openUserPlatform({ env: { CODES_PER_ADDRESS: '3' } });
    try {
      const from = async (address: string) =>
        (await own.run(`mutation { requestPasswordReset(mobile: "${newMobile()}") }`, {}, { address })).errors.map(
          ({ code }) => code,
        );
      const answers: unknown[] = [];
      for (let time = 0; time < 4; time += 1) answers.push(...(await from(`2001:db8:77:${lastAddress}::${time}`)));
      expect(answers).toEqual(['TOO_MANY_REQUESTS']);
      expect(await from(`2001:db8:78:${lastAddress}::1`)).toEqual([]);
    } finally {
      await own.close();
    }
  });

  it('in what is no number is answered the same, and leaves nothing behind', async () => {
    expect((await forget('not a number')).data).toEqual({ requestPasswordReset: true });
    expect(await platform.sql('select id from password_reset_request')).toEqual([]);
  });

  it('[PM-1] stands against 1,000 guesses: at most five of a code are looked at, and then not the right one either', async () => {
    const ada = await registerPerson(platform);
    const code = await forgotten(ada.mobile);
    const guesses = Array.from({ length: 1_000 }, (_, index) => `GUES-${String(index).padStart(4, '0')}-0000`);
    const codes: unknown[] = [];
    for (let from = 0; from < guesses.length; from += 50)
      for (const { userErrors } of await Promise.all(guesses.slice(from, from + 50).map((each) => reset(ada.mobile, each))))
        codes.push(...userErrors.map((error: { code: string }) => error.code)); // prettier-ignore
    expect(codes).toEqual(guesses.map(() => 'INVALID_CREDENTIALS'));
    const [row] = await platform.sql('select tries from one_time_code where user_id = unhex(?)', [bytesOf(ada.id)]);
    expect(row).toEqual({ tries: 5 });
    expect((await reset(ada.mobile, code)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
    expect((await login(ada.mobile, ada.password)).userErrors).toEqual([]);
  }, 60_000);

  it('is set anew from a known place, also while strangers guess', async () => {
    const ada = await registerPerson(platform);
    const home = fromElsewhere();
    await platform.run(loginMutation, { mobile: ada.mobile, password: ada.password }, home);
    for (let time = 0; time < 12; time += 1) await reset(ada.mobile, 'GUES-0000-0000');
    const code = await forgotten(ada.mobile);
    const [stranger] = (await reset(ada.mobile, code)).userErrors;
    expect(stranger).toMatchObject({ code: 'INVALID_CREDENTIALS', message: expect.stringContaining('Too many codes') });
    expect((await reset(ada.mobile, code, home)).userErrors).toEqual([]);
  });

  it('ends after ten minutes, and a new code ends the one before', async () => {
    const ada = await registerPerson(platform);
    const first = await forgotten(ada.mobile);
    const second = await forgotten(ada.mobile);
    expect(second).not.toBe(first);
    expect((await reset(ada.mobile, first)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
    const [row] = await platform.sql(
      'select timestampdiff(second, created_at, expires_at) as seconds from one_time_code where user_id = unhex(?)',
      [bytesOf(ada.id)],
    );
    expect(row).toEqual({ seconds: 600 });
    await platform.sql('update one_time_code set expires_at = now(3) - interval 1 second where user_id = unhex(?)', [
      bytesOf(ada.id),
    ]);
    expect((await reset(ada.mobile, second)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
  });

  it('that can’t be handled now is kept, the others go on, and it is tried again until it is ten minutes old', async () => {
    const [ada, bo] = [await registerPerson(platform), await registerPerson(platform)];
    for (const { mobile } of [ada, bo]) await forget(mobile);
    const broken = (deps: UserDeps): UserDeps => ({
      ...deps,
      codes: {
        ...deps.codes,
        async enqueue(tx, message) {
          if (message.userId === ada.id) throw new Error('the outbox is full');
          await deps.codes.enqueue(tx, message);
        },
      },
    });
    await expect(handOut(broken)).rejects.toThrow('the outbox is full');
    expect([codesTo(ada.mobile).length, codesTo(bo.mobile).length]).toEqual([0, 1]);
    expect(await platform.sql('select user_id from one_time_code where user_id = unhex(?)', [bytesOf(ada.id)])).toEqual([]); // prettier-ignore
    await handOut();
    expect([codesTo(ada.mobile).length, codesTo(bo.mobile).length]).toEqual([1, 1]);
    await forget(ada.mobile);
    await platform.sql('update password_reset_request set requested_at = now(3) - interval 11 minute');
    await handOut();
    expect(codesTo(ada.mobile)).toHaveLength(1);
    expect(await platform.sql('select id from password_reset_request')).toEqual([]);
  });

  it('is sent once, whichever workers look at the same time', async () => {
    const people = await Promise.all(Array.from({ length: 6 }, () => registerPerson(platform)));
    await Promise.all(people.map(({ mobile }) => forget(mobile)));
    await Promise.all([handOut(), handOut(), handOut()]);
    expect(people.map(({ mobile }) => codesTo(mobile).length)).toEqual(people.map(() => 1));
  });
});

describe('an e-mail address', () => {
  it('[PM-1] becomes the user’s by the code that was sent there, and is kept in one form', async () => {
    const ada = await registerPerson(platform);
    const name = `Ada.${Date.now()}`;
    const asked = await ask(ada, { email: `  ${name}@MÜLLER.Example ` });
    expect(asked).toEqual({ user: { id: ada.id, email: null, emailVerified: false, version: 1 }, replayed: false, userErrors: [] }); // prettier-ignore
    const email = `${name}@xn--mller-kva.example`;
    expect(codesTo(email)).toEqual([expect.objectContaining({ kind: 'EMAIL_VERIFICATION' })]);
    expect(await verify(ada, codeTo(email))).toEqual({
      user: { id: ada.id, email, emailVerified: true, version: 2 },
      replayed: false,
      userErrors: [],
    });
  });

  it('is changed only once the new one is verified', async () => {
    const [before, after] = [newEmail(), newEmail()];
    const ada = await withEmail(before);
    expect(await ask(ada, { email: after })).toMatchObject({ user: { email: before, emailVerified: true } });
    expect((await verify(ada, codeTo(after))).user).toMatchObject({ email: after, emailVerified: true });
  });

  it('[PM-1] of two accounts is the first one’s that verifies it, in whichever case it is written', async () => {
    const email = newEmail();
    const [ada, bo] = [await registerPerson(platform), await registerPerson(platform)];
    await ask(ada, { email });
    await ask(bo, { email: email.toLowerCase() });
    const [adas, bos] = [codeTo(email), codeTo(email.toLowerCase())];
    const both = await Promise.all([verify(ada, adas), verify(bo, bos)]);
    const errors = both.flatMap(({ userErrors }) => userErrors);
    expect(errors).toEqual([expect.objectContaining({ __typename: 'EmailTakenError', code: 'EMAIL_TAKEN', path: ['code'] })]); // prettier-ignore
    expect(both.filter((each) => each.user?.emailVerified)).toHaveLength(1);
  });

  it('looks at five tries of a code, and then not at the right one either', async () => {
    const email = newEmail();
    const ada = await registerPerson(platform);
    await ask(ada, { email });
    const wrong = await Promise.all(Array.from({ length: 20 }, () => verify(ada, 'AAAA-BBBB-CCCC')));
    for (const { userErrors } of wrong) expect(userErrors).toEqual(refusal('INVALID_CREDENTIALS', ['code']));
    expect((await verify(ada, codeTo(email))).userErrors).toEqual(refusal('INVALID_CREDENTIALS', ['code']));
  });

  it('is not verified by a code of somebody else, nor by one that has ended', async () => {
    const email = newEmail();
    const [ada, bo] = [await registerPerson(platform), await registerPerson(platform)];
    await ask(ada, { email });
    await ask(bo, { email: newEmail() });
    expect((await verify(bo, codeTo(email))).userErrors).toEqual(refusal('INVALID_CREDENTIALS', ['code']));
    await platform.sql('update email_code set expires_at = now(3) - interval 1 second where user_id = unhex(?)', [
      bytesOf(ada.id),
    ]);
    expect((await verify(ada, codeTo(email))).userErrors).toEqual(refusal('INVALID_CREDENTIALS', ['code']));
    await platform.withDependencies(cleanUp);
    expect(await platform.sql('select email from email_code where user_id = unhex(?)', [bytesOf(ada.id)])).toEqual([]);
  });

  it('[PM-1] is changed with the password only: an open session alone is not enough', async () => {
    const ada = await registerPerson(platform);
    for (const password of [null, 'wrong horse battery'])
      expect((await ask(ada, { email: newEmail(), password })).userErrors).toEqual(
        refusal('INVALID_CREDENTIALS', ['password']),
      );
  });

  it('that a repeated key names is sent to once, and verified once', async () => {
    const email = newEmail();
    const ada = await registerPerson(platform);
    await ask(ada, { email, key: 'email-1' });
    expect(await ask(ada, { email, key: 'email-1' })).toMatchObject({ replayed: true, userErrors: [] });
    expect(codesTo(email)).toHaveLength(1);
    const code = codeTo(email);
    expect(await verify(ada, code, 'verify-1')).toMatchObject({ replayed: false, userErrors: [] });
    expect(await verify(ada, code, 'verify-1')).toMatchObject({ replayed: true, user: { email, version: 2 } });
    expect((await ask(ada, { email: newEmail(), key: 'email-1' })).userErrors).toEqual(refusal('IDEMPOTENCY_CONFLICT'));
  });

  it.each<[string, string | null]>([
    ['has none, and gives none', null],
    ['gives what is none', 'ada at example.com'],
    ['gives one without a host', 'ada@'],
    ['gives a longer one', `${'x'.repeat(243)}@example.com`],
    ['gives two', 'ada@example.com, bo@example.com'],
    ['gives one with a line end in it', 'ada@example.com\nBcc: bo@example.com'],
  ])('is refused where the user %s', async (_, email) => {
    const ada = await registerPerson(platform);
    expect((await ask(ada, { email })).userErrors).toEqual(refusal('VALIDATION', ['email']));
  });

  it('is written to five times in a window, whoever asks', async () => {
    const email = newEmail();
    const people = await Promise.all(Array.from({ length: 6 }, () => registerPerson(platform)));
    const answers = [];
    for (const person of people) answers.push(await ask(person, { email }));
    expect(answers.slice(0, 5).flatMap(({ userErrors }) => userErrors)).toEqual([]);
    expect(answers[5]).toMatchObject({ errors: [{ code: 'TOO_MANY_REQUESTS' }] });
    expect(codesTo(email)).toHaveLength(5);
  });
});

describe('codes, where nothing sends,', () => {
  it('stay out of the log in production, which says that one was not sent', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
    const message = { kind: 'PASSWORD_RESET', userId: 'u1', to: { channel: 'SMS', address: '4912345' }, code: 'SECRET', expiresAt: new Date() } as const; // prettier-ignore
    const sealer = openSealer('secret');
    const sender = openCodeSender({
      now: () => new Date(),
      newId,
      log,
      sealer,
      outward: new Set(),
      wake: () => undefined,
    });
    await sender.enqueue({} as never, message);
    expect(lines.join()).toContain('a code was not sent: nothing sends by this channel here');
    expect(lines.join()).not.toMatch(/SECRET|4912345/);
  });
});

it('[PM-1] a session says what its device called itself, cut to what can be kept', async () => {
  const ada = await registerPerson(platform);
  const agent = 'Mozilla/5.0 (<script>alert(1)</script>)';
  for (const each of [agent, 'y'.repeat(900)])
    await platform.run(loginMutation, { mobile: ada.mobile, password: ada.password }, { ...fromElsewhere(), agent: each });
  const { data } = await platform.run('{ me { sessions { client } } }', {}, { viewer: ada.viewer });
  const clients = data.me.sessions.map(({ client }: { client: string | null }) => client);
  expect(new Set(clients)).toEqual(new Set([agent, 'y'.repeat(200), null]));
}); // prettier-ignore
