import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far a signature's time may be from ours, either way. */
export const toleranceSeconds = 300;
const maxHeaderLength = 512;
const maxSignatures = 5;

export type SignatureCode =
  'SIGNATURE_MISSING' | 'SIGNATURE_MALFORMED' | 'SIGNATURE_MISMATCH' | 'TIMESTAMP_OUTSIDE_WINDOW';

/** The signature of a body by Stripe's scheme: HMAC-SHA256 over `<unix seconds>.<body>`, in hex. */
export const signatureOf = (secret: string, seconds: number | string, body: Buffer | string): string =>
  createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');

/** A header as a provider sends it: `t=<unix seconds>,v1=<signature>`. */
export const signatureHeader = (secret: string, seconds: number, body: Buffer | string): string =>
  `t=${seconds},v1=${signatureOf(secret, seconds, body)}`;

/**
 * Checks a webhook's signature against every secret, in constant time. Returns null when it is good.
 * Stripe's own verifier accepts times in the future; this one looks both ways.
 *
 * @see https://docs.stripe.com/webhooks#verify-manually
 */
export function checkSignature(
  header: string | readonly string[] | undefined,
  body: Buffer,
  options: { secrets: readonly string[]; now: Date },
): SignatureCode | null {
  if (header === undefined || header === '') return 'SIGNATURE_MISSING';
  if (typeof header !== 'string' || header.length > maxHeaderLength) return 'SIGNATURE_MALFORMED';
  const parts = header.split(',').map((part) => part.split('='));
  const values = (scheme: string) => parts.filter(([name]) => name === scheme).map((part) => part.slice(1).join('='));
  const [seconds, ...moreTimes] = values('t');
  const signatures = values('v1');
  if (seconds === undefined || moreTimes.length > 0 || !/^\d{1,12}$/.test(seconds)) return 'SIGNATURE_MALFORMED';
  if (signatures.length === 0 || signatures.length > maxSignatures) return 'SIGNATURE_MALFORMED';
  if (signatures.some((signature) => !/^[0-9a-f]{64}$/.test(signature))) return 'SIGNATURE_MALFORMED';

  let matches = 0;
  for (const secret of options.secrets) {
    const expected = Buffer.from(signatureOf(secret, seconds, body), 'hex');
    for (const signature of signatures) matches += Number(timingSafeEqual(expected, Buffer.from(signature, 'hex')));
  }
  if (matches === 0) return 'SIGNATURE_MISMATCH';
  return Math.abs(options.now.getTime() - Number(seconds) * 1000) > toleranceSeconds * 1000
    ? 'TIMESTAMP_OUTSIDE_WINDOW'
    : null;
}
