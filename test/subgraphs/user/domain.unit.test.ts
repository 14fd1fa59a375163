import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { addressGroup } from '../../../subgraphs/shared/values/address-group.ts';
import { formatPasswordHash, parsePasswordHash } from '../../../subgraphs/user/domain/password-hash.ts';
import { checkPair, desiredGrant } from '../../../subgraphs/user/domain/service-credential.ts';
import { type PresentedToken, accessTimes, decideRefresh } from '../../../subgraphs/user/domain/session.ts';
import { mobilePrefix, normaliseMobile } from '../../../subgraphs/user/domain/mobile.ts';
import { checkEmail } from '../../../subgraphs/user/domain/email.ts';
import { type PasswordOwner, checkPassword } from '../../../subgraphs/user/domain/password.ts';
import { checkName, checkProfile } from '../../../subgraphs/user/domain/user.ts';

describe('a mobile number', () => {
  test.each([
    ['10000000000', '10000000000'],
    [' +49 (151) 234-56.78 ', '491512345678'],
    ['390612345678', '390612345678'],
    ['+390612345678', '390612345678'],
    ['0039 06 12345678', '390612345678'],
    ['+39\u00a006\u201112345678', '390612345678'],
    ['000012345', '12345'],
    ['0612345678', '0612345678'],
    ['12345', '12345'],
    ['123456789012345', '123456789012345'],
    // As copied from a page or an address book, or typed on another keyboard (F21).
    ['\u202a+49 151 23456789\u202c', '4915123456789'],
    ['49151\u200b234\u200d567\ufeff89', '4915123456789'],
    ['\u200e0049\u200f15123456789\u2069', '4915123456789'],
    ['49151\u00ad23456789\u2060', '4915123456789'],
    ['tel:+49-151-23456789', '4915123456789'],
    ['\u202aTEL: +49 151 23456789', '4915123456789'],
    [
      '\uff0b\uff14\uff19\uff08\uff11\uff15\uff11\uff09\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19',
      '4915123456789',
    ],
    ['+49 151/234\u2212567\u301c89', '4915123456789'],
    ['+49 (0) 151 23456789', '4915123456789'],
    ['0049 (0)151 23456789', '4915123456789'],
    ['(0151) 23456789', '015123456789'],
    ['\u0661\u0662\u0663\u0664\u0665', '12345'],
    ['\u06f0\u06f0\u06f9\u06f8\u06f9\u06f1\u06f2\u06f3\u06f4', '9891234'],
    ['\u0967\u0968\u0969\u096c\u096f', '12369'],
    ['\ud835\udfcf\ud835\udfd0\ud835\udfd7\ud835\udfd8\ud835\udfff', '12909'],
  ])('%j is stored as %j', (text, mobile) => expect(normaliseMobile(text)).toBe(mobile));

  test.each([
    '',
    '1234',
    '001234',
    '00+12345',
    '1234567890123456',
    '12a45',
    '++12345',
    '12+345',
    'tel:',
    'tel:tel:12345',
    '12345;ext=1',
    '\u200b',
    '12345\u0000',
    '12345;',
  ])('%j is none', (text) => expect(normaliseMobile(text)).toBeNull());

  test('is searched by its beginning, written in any of these ways', () => {
    for (const text of [
      '\u202a+49 (151)\u200b',
      'tel:0049151',
      '\uff14\uff19\uff11\uff15\uff11',
      '\u0664\u0669\u0661\u0665\u0661',
    ])
      expect(mobilePrefix(text)).toBe('49151');
  });

  test('has the value that Unicode gives each decimal digit of each script', () => {
    const digits = Array.from({ length: 0x11_0000 }, (_, code) => code).filter(
      (code) => (code < 0xd8_00 || code > 0xdf_ff) && /^\p{Nd}$/u.test(String.fromCodePoint(code)),
    );
    const values = digits.map((code) => normaliseMobile(`1234${String.fromCodePoint(code)}`)?.at(-1));
    // In each script the ten come one after the other from zero.
    expect(digits.length % 10).toBe(0);
    expect(values).toEqual(digits.map((_, index) => String(index % 10)));
  });

  test('is not changed by normalising it again', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(...'+0123456789 .-/()tel:\u200b\u202a\uff10\u0669'.split('')),
          maxLength: 24,
        }),
        (text) => {
          const mobile = normaliseMobile(text);
          return mobile === null || normaliseMobile(mobile) === mobile;
        },
      ),
    );
  });

  test('of any text is null or 5 to 15 digits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => /^(\d{5,15}|null)$/.test(String(normaliseMobile(text)))),
    );
  });
});

describe('what a user may be called', () => {
  test('a name is trimmed and has 1 to 64 characters, an emoji being one', () => {
    expect(checkName('  Ada ', [])).toEqual({ ok: true, value: 'Ada' });
    expect(checkName('😀'.repeat(64), []).ok).toBe(true);
    for (const name of ['', '   ', 'x'.repeat(65), 'a\u0007b', 'a\nb', 'half \ud83d'])
      expect(checkName(name, []).ok).toBe(false);
    for (const name of [
      '\u200b',
      '\u200b\u200d\ufeff',
      '\u2060',
      '\u3164',
      '\u115f\u1160',
      '\u2800',
      '\u0301',
      '\u202e',
    ])
      expect(checkName(name, [])).toMatchObject({ ok: false });
    for (const name of ['李', '😀', '-', '1', 'a\u200bb']) expect(checkName(name, []).ok).toBe(true);
  });

  test.each(['/a/b.png', 'https://example.com/a.png'])('an avatar may be %s', (avatar) =>
    expect(checkProfile({ avatar })).toEqual({ values: { avatar } }),
  );
  test.each([
    '//evil.example/x',
    '/\\evil.example',
    'http://example.com/a',
    'javascript:alert(1)',
    'data:image/png;base64,x',
    'a.png',
    '',
    `/${'x'.repeat(512)}`,
  ])('an avatar may not be %s', (avatar) => expect(checkProfile({ avatar })).toHaveProperty('refusals'));

  test('what is absent stays, what is null is cleared, but never the name', () => {
    expect(checkProfile({ expectedVersion: 3 })).toEqual({ values: {} });
    expect(checkProfile({ nickname: null, avatar: null, info: null, gender: null })).toEqual({
      values: { nickname: null, avatar: null, info: null, gender: 'UNSPECIFIED' },
    });
    expect(checkProfile({ name: null })).toMatchObject({ refusals: [{ path: ['input', 'name'] }] });
  });
});

describe('an e-mail address', () => {
  const kept = (text: string) => {
    const checked = checkEmail(text, ['email']);
    return checked.ok ? checked.value : null;
  };
  test.each([
    ['Ada.Lovelace@Example.COM', 'Ada.Lovelace@example.com'],
    [' ada@example.com\u200b', 'ada@example.com'],
    ['ada+shop@mail.example.co.uk', 'ada+shop@mail.example.co.uk'],
    ['ada@M\u00dcLLER.example', 'ada@xn--mller-kva.example'],
    ['ada@xn--mller-kva.example', 'ada@xn--mller-kva.example'],
    ['\uff41\uff44\uff41\uff20example.com', 'ada@example.com'],
  ])('%j is kept as %j', (given, expected) => {
    expect(kept(given)).toBe(expected);
    expect(kept(expected)).toBe(expected);
  });

  test.each([
    '', '@', 'ada', 'ada@', '@example.com', 'ada@example', 'ada@@example.com', 'ada@exa mple.com', 'a da@example.com', 'ada@-example.com',
    '"ada"@example.com', 'ada@[192.0.2.1]', 'ada@example.com, bo@example.com', '<ada@example.com>', 'ada@example.com\r\nBcc: bo@example.com', `${'x'.repeat(243)}@example.com`,
  ])('%j is none', (given) => expect(kept(given)).toBeNull()); // prettier-ignore
});

describe('a password', () => {
  const accepts = (password: string, owner?: PasswordOwner) => checkPassword(password, ['next'], owner).ok;

  test('has 8 to 128 characters, an emoji being one, and is compared in form NFKC', () => {
    const long = (length: number) => Array.from({ length }, (_, index) => '\u{1f600}abcdef'.slice(index % 7 === 0 ? 0 : (index % 7) + 1, (index % 7) + 2)).join(''); // prettier-ignore
    expect(accepts('x7$kQ;m2')).toBe(true);
    expect(accepts('x7$kQ;m')).toBe(false);
    expect([accepts(long(128)), accepts(long(129))]).toEqual([true, false]);
    expect(accepts('\u{1f600}\u{1f601}\u{1f40e}\u{1f50b}'.repeat(2))).toBe(true);
    expect(checkPassword('pa\u0308sswörd!', [])).toEqual(checkPassword('p\u00e4sswo\u0308rd!', []));
    expect(accepts('half \ud83d of a pair')).toBe(false);
  });

  test.each([
    ' '.repeat(8), '\u200b'.repeat(12), 'ab cd ef g', 'abc\u200b\u200d\ufeff\u2060\u00ad', '\u3164'.repeat(8), '\u2800'.repeat(8), '\t\n'.repeat(6),
  ])('has 8 characters that are seen: %j has not', (password) => expect(accepts(password)).toBe(false)); // prettier-ignore

  test.each([
    'password', 'Password', 'PASSWORD1', 'password123', '12345678', '123456789', 'iloveyou1', 'qwertyuiop', 'qwerty123', 'letmein123', 'P@ssw0rd',
    'administrator', 'football1', 'sunshine1', '1q2w3e4r5t', 'pass word', ' password ', 'pass\u200bword', '\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44', 'password\u00ad',
  ])('that everybody tries first is refused: %j', (password) => expect(accepts(password)).toBe(false)); // prettier-ignore

  test.each([
    'Monkey2026!', 'sunshine99', '!!dragon1234', 'p@ssword!', 'P455word', '$unshine', 'princess.....', 'OrderPlatform', 'platform2026', 'federated',
  ])('that is hardly more than a common one, or the platform’s name, is refused: %j', (password) => expect(accepts(password)).toBe(false)); // prettier-ignore

  test.each([
    'monkey-wrench-left', 'all small letters', 'ALLCAPITALS', '71935028461', 'ünïcödé-zürich', 'sunshine over Lisbon', 'reorder tea now', '\u6b22\u8fce\u5149\u4e34\u672c\u5c0f\u5e97\u5427',
  ])('may be of any characters, with spaces or without: %j', (password) => expect(accepts(password)).toBe(true)); // prettier-ignore

  test('that is hardly more than the e-mail address is refused', () => {
    const owner = { names: ['Ada'], mobile: null, email: 'quillfeather.zim@example.com' };
    for (const password of ['quillfeather.zim@example.com', 'quillfeather.zim', 'zim-quillfeather', 'Quillfeather99'])
      expect({ password, accepted: accepts(password, owner) }).toEqual({ password, accepted: false });
    expect(accepts('quillfeather.zim', { ...owner, email: null })).toBe(true);
  });

  test.each([
    'aaaaaaaa',
    'abababab',
    'abcabcabc',
    'abcdefgh',
    'hgfedcba',
    '23456789',
    'ｘｘｘｘｘｘｘｘ',
    '\u{1f600}'.repeat(8),
  ])('that is a row is refused: %j', (password) => expect(accepts(password)).toBe(false));

  test('that is hardly more than the name or number of its owner is refused', () => {
    const owner = { names: ['Ada Lovelace', 'Countess', null], mobile: '4915123456789' };
    for (const password of [
      'adalovelace',
      'Ada Lovelace',
      'LovelaceAda',
      'lovelace1',
      'Lovelace!!!',
      'countess',
      'Countess99',
      '4915123456789',
      '+4915123456789',
      '015123456789',
      '15123456789',
      'ada4915123456789',
    ])
      // prettier-ignore
      expect({ password, accepted: accepts(password, owner) }).toEqual({ password, accepted: false });
    for (const password of ['adalovelace', 'correct horse battery', 'Lovelace in the rain'])
      expect({ password, accepted: accepts(password, { names: ['Bo'], mobile: null }) }).toEqual({ password, accepted: true }); // prettier-ignore
    expect(accepts('Lovelace in the rain', owner)).toBe(true);
  });
});

describe('a presented refresh token', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  const past = new Date(now.getTime() - 1);
  const future = new Date(now.getTime() + 1);
  const fresh: PresentedToken = { rotatedAt: null, tokenExpiresAt: future, sessionRevokedAt: null };

  test.each<[string, PresentedToken | null, ReturnType<typeof decideRefresh>]>([
    ['that nobody issued is refused', null, { kind: 'refused', because: 'unknown' }],
    ['that is fresh rotates', fresh, { kind: 'rotate' }],
    [
      'that expired a millisecond ago is refused',
      { ...fresh, tokenExpiresAt: past },
      { kind: 'refused', because: 'expired' },
    ],
    ['that expires now is refused', { ...fresh, tokenExpiresAt: now }, { kind: 'refused', because: 'expired' }],
    ['that was used ends the session', { ...fresh, rotatedAt: past }, { kind: 'reused' }],
    [
      'that was used and has expired still ends the session',
      { ...fresh, rotatedAt: past, tokenExpiresAt: past },
      { kind: 'reused' },
    ],
    ['that was used in this very millisecond ends the session', { ...fresh, rotatedAt: now }, { kind: 'reused' }],
    ['of a revoked session is refused', { ...fresh, sessionRevokedAt: past }, { kind: 'refused', because: 'revoked' }],
    [
      'that was used, of a revoked session, is refused',
      { ...fresh, rotatedAt: past, sessionRevokedAt: past },
      { kind: 'refused', because: 'revoked' },
    ],
  ])('%s', (_, token, decision) => expect(decideRefresh(token, now)).toEqual(decision));

  test('rotates only when it is unused, unexpired and of a live session', () => {
    const date = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(fc.option(date), date, fc.option(date), date, (rotatedAt, tokenExpiresAt, sessionRevokedAt, at) => {
        const rotates = decideRefresh({ rotatedAt, tokenExpiresAt, sessionRevokedAt }, at).kind === 'rotate';
        return rotates === (rotatedAt === null && sessionRevokedAt === null && tokenExpiresAt > at);
      }),
    );
  });

  test('an access token is refreshed halfway between two whole seconds', () => {
    expect(accessTimes(new Date('2026-11-21T12:00:00.789Z'), 600)).toEqual({
      issuedAt: new Date('2026-11-21T12:00:00Z'), refreshAfter: new Date('2026-11-21T12:05:00Z'), expiresAt: new Date('2026-11-21T12:10:00Z'),
    }); // prettier-ignore
  });
});

describe('the address of a client', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('%s is counted as %s', (address, group) => expect(addressGroup(address)).toBe(group));
});

describe('a password hash', () => {
  test('is read as it was written', () => {
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(bytes(16), bytes(32), (salt, hash) => {
        const given = { parameters: { memoryKiB: 19_456, passes: 2, lanes: 1 }, salt, hash };
        expect(parsePasswordHash(formatPasswordHash(given))).toEqual(given);
      }),
    );
  });
  test('of another algorithm is a broken invariant', () =>
    expect(() => parsePasswordHash('$2b$10$abc')).toThrow('argon2id'));
});

describe('a service credential', () => {
  const credential = {
    app: 'a',
    service: 'user',
    tokenHash: Buffer.from('ab', 'hex'),
    strict: true,
    createdAt: new Date(),
    rotatedAt: null,
    revokedAt: null,
  };
  const value = (hash: string, strict: boolean) => `${hash} ${strict}`;

  test('stands in Redis when it was issued, not when it was revoked, and SERVICE_TOKENS decides the rest', () => {
    expect(desiredGrant(credential, value)).toEqual({ kind: 'value', value: 'ab true' });
    expect(desiredGrant({ ...credential, revokedAt: new Date() }, value)).toEqual({ kind: 'absent' });
    expect(desiredGrant({ ...credential, tokenHash: null }, value)).toEqual({ kind: 'any' });
    expect(desiredGrant({ ...credential, tokenHash: null, revokedAt: new Date() }, value)).toEqual({ kind: 'absent' });
  });

  test.each(['', 'A', '1a', 'a b', '*seeded*', `a${'b'.repeat(32)}`, 'a\n'])('the app can not be called %j', (app) =>
    expect(checkPair({ app, service: 'user' })).toHaveLength(1),
  );
  test('the service is one of ours', () => {
    expect(checkPair({ app: 'a', service: 'payment' })).toEqual([]);
    expect(checkPair({ app: 'a', service: 'toString' })).toHaveLength(1);
  });
});
