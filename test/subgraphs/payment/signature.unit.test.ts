import { describe, expect, test } from '@jest/globals';
import {
  checkSignature,
  signatureHeader,
  signatureOf,
  toleranceSeconds,
} from '../../../subgraphs/payment/domain/signature.ts';

const secret = 'whsec_the_one_in_use';
const next = 'whsec_the_next_one_';
const now = new Date('2026-11-21T10:00:00.000Z');
const seconds = now.getTime() / 1000;
const body = Buffer.from('{"id":"evt_1","type":"payment_intent.succeeded"}');
const good = signatureOf(secret, seconds, body);
const check = (header: string | string[] | undefined, content = body, secrets = [secret, next]) =>
  checkSignature(header, content, { secrets, now });

describe('a webhook signature', () => {
  test.each([
    ['as the provider makes it', signatureHeader(secret, seconds, body)],
    ['by the second secret of a rotation', signatureHeader(next, seconds, body)],
    ['with both secrets', `t=${seconds},v1=${signatureOf(next, seconds, body)},v1=${good}`],
    ['with one good among wrong ones', `t=${seconds},v1=${'0'.repeat(64)},v1=${good}`],
    ['with a scheme that is not known beside it', `t=${seconds},v0=abc,v1=${good},v2=xyz`],
    ['at the very edge of the window, before', signatureHeader(secret, seconds - toleranceSeconds, body)],
    ['at the very edge of the window, after', signatureHeader(secret, seconds + toleranceSeconds, body)],
  ])('is good %s', (_, header) => {
    expect(check(header)).toBeNull();
  });

  test.each([
    ['missing', undefined, 'SIGNATURE_MISSING'],
    ['empty', '', 'SIGNATURE_MISSING'],
    [
      'given twice',
      [signatureHeader(secret, seconds, body), signatureHeader(secret, seconds, body)],
      'SIGNATURE_MALFORMED',
    ],
    ['without a time', `v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['without a signature', `t=${seconds}`, 'SIGNATURE_MALFORMED'],
    ['with two times', `t=${seconds},t=${seconds},v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['with a time that is no number', `t=now,v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['with a negative time', `t=-${seconds},v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['with a time of milliseconds', `t=${seconds}000,v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['with a fraction of a second', `t=${seconds}.5,v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['in capitals', `t=${seconds},v1=${good.toUpperCase()}`, 'SIGNATURE_MALFORMED'],
    ['cut short', `t=${seconds},v1=${good.slice(0, 62)}`, 'SIGNATURE_MALFORMED'],
    ['too long', `t=${seconds},v1=${good}00`, 'SIGNATURE_MALFORMED'],
    ['not hexadecimal', `t=${seconds},v1=${'g'.repeat(64)}`, 'SIGNATURE_MALFORMED'],
    ['in base64', `t=${seconds},v1=${Buffer.from(good, 'hex').toString('base64')}`, 'SIGNATURE_MALFORMED'],
    ['with an empty signature', `t=${seconds},v1=`, 'SIGNATURE_MALFORMED'],
    ['with six signatures', `t=${seconds}${`,v1=${good}`.repeat(6)}`, 'SIGNATURE_MALFORMED'],
    ['with a header of 600 characters', `t=${seconds},v0=${'a'.repeat(520)},v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['with spaces', `t=${seconds}, v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['of another separator', `t=${seconds};v1=${good}`, 'SIGNATURE_MALFORMED'],
    ['only by the old scheme', `t=${seconds},v0=${good}`, 'SIGNATURE_MALFORMED'],
    ['without anything sensible', 'nonsense', 'SIGNATURE_MALFORMED'],
    ['by another secret', signatureHeader('whsec_of_somebody', seconds, body), 'SIGNATURE_MISMATCH'],
    ['by the empty secret', signatureHeader('', seconds, body), 'SIGNATURE_MISMATCH'],
    ['of another body', signatureHeader(secret, seconds, '{}'), 'SIGNATURE_MISMATCH'],
    ['of the body alone', `t=${seconds},v1=${signatureOf(secret, '', body)}`, 'SIGNATURE_MISMATCH'],
    ['of another time', `t=${seconds - 1},v1=${good}`, 'SIGNATURE_MISMATCH'],
    ['of zeros', `t=${seconds},v1=${'0'.repeat(64)}`, 'SIGNATURE_MISMATCH'],
    ['too old by a second', signatureHeader(secret, seconds - toleranceSeconds - 1, body), 'TIMESTAMP_OUTSIDE_WINDOW'],
    [
      'from the future by a second',
      signatureHeader(secret, seconds + toleranceSeconds + 1, body),
      'TIMESTAMP_OUTSIDE_WINDOW',
    ],
    ['of the year 1970', signatureHeader(secret, 0, body), 'TIMESTAMP_OUTSIDE_WINDOW'],
  ])('is refused %s', (_, header, code) => {
    expect(check(header)).toBe(code);
  });

  test('is refused when one byte of the body changes, whichever', () => {
    const header = signatureHeader(secret, seconds, body);
    for (let index = 0; index < body.length; index += 1) {
      const changed = Buffer.from(body);
      changed.writeUInt8((changed.readUInt8(index) + 1) % 256, index);
      expect(check(header, changed)).toBe('SIGNATURE_MISMATCH');
    }
  });

  test('is refused when its secret is no longer in use', () => {
    expect(check(signatureHeader(secret, seconds, body), body, [next])).toBe('SIGNATURE_MISMATCH');
  });
});
