import { createDecipheriv, createSign, createVerify, randomBytes } from 'node:crypto';
import type { WechatPayConfig } from '../config.ts';
import type { Headers } from '../../shared/auth/caller-headers.ts';
import { type SignatureCode, toleranceSeconds } from '../domain/signature.ts';

const scheme = 'WECHATPAY2-SHA256-RSA2048';
const maxHeaderLength = 1_024;
const tagBytes = 16;

/** What is signed: each part on a line of its own, the last one as well. */
const linesOf = (parts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.flatMap((part) => [Buffer.from(part), Buffer.from('\n')]));

export type WechatPaySigning = {
  /** The `Authorization` of a request. `path` begins with `/` and has the query. */
  authorization(request: { method: string; path: string; body: string }): string;
  /** What a mini program gives to `wx.requestPayment` to pay what was prepared. */
  paymentRequest(prepayId: string): Readonly<Record<string, string>>;
  /** Why an answer's or a notification's signature is not good; null when it is. */
  check(headers: Headers, body: Buffer): SignatureCode | null;
  /** The text of an encrypted resource; null when it was not encrypted with our key. */
  decrypt(resource: { ciphertext: string; nonce: string; associated_data?: string | undefined }): string | null;
};

/**
 * The signatures of WeChat Pay's API v3: ours with the merchant's key, WeChat's with the key that `Wechatpay-Serial` names.
 *
 * @see https://pay.weixin.qq.com/doc/v3/merchant/4012365342
 */
export function wechatPaySigning(config: WechatPayConfig, now: () => Date): WechatPaySigning {
  const secondsNow = () => String(Math.floor(now().getTime() / 1_000));
  const newNonce = () => randomBytes(16).toString('hex');
  const sign = (parts: readonly string[]) =>
    createSign('RSA-SHA256').update(linesOf(parts)).sign(config.privateKey, 'base64');
  return {
    authorization({ method, path, body }) {
      const [seconds, nonce] = [secondsNow(), newNonce()];
      const fields = {
        mchid: config.merchantId,
        nonce_str: nonce,
        signature: sign([method, path, seconds, nonce, body]),
        timestamp: seconds,
        serial_no: config.serialNumber,
      };
      return `${scheme} ${Object.entries(fields).map(([name, value]) => `${name}="${value}"`).join(',')}`; // prettier-ignore
    },
    paymentRequest(prepayId) {
      const { appId } = config;
      const [timeStamp, nonceStr, prepared] = [secondsNow(), newNonce(), `prepay_id=${prepayId}`];
      const paySign = sign([appId, timeStamp, nonceStr, prepared]);
      return { appId, timeStamp, nonceStr, package: prepared, signType: 'RSA', paySign };
    },
    check: (headers, body) => checkHeaders(config.publicKeys, headers, body, now()),
    decrypt({ ciphertext, nonce, associated_data: associated = '' }) {
      const sealed = Buffer.from(ciphertext, 'base64');
      try {
        const decipher = createDecipheriv('aes-256-gcm', config.apiV3Key, nonce, { authTagLength: tagBytes });
        decipher.setAAD(Buffer.from(associated)).setAuthTag(sealed.subarray(-tagBytes));
        return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
      } catch {
        return null; // too short, changed on its way, or of another key
      }
    },
  };
}

function checkHeaders(
  publicKeys: ReadonlyMap<string, string>,
  headers: Headers,
  body: Buffer,
  at: Date,
): SignatureCode | null {
  const [signature, seconds, nonce, serial] = ['signature', 'timestamp', 'nonce', 'serial'].map(
    (name) => headers[`wechatpay-${name}`] ?? '',
  );
  if (!signature || !seconds || !nonce || !serial) return 'SIGNATURE_MISSING';
  const all = [signature, seconds, nonce, serial];
  if (!all.every((one): one is string => typeof one === 'string' && one.length <= maxHeaderLength))
    return 'SIGNATURE_MALFORMED';
  const [given = '', stamped = '', once = '', keyId = ''] = all;
  if (!/^\d{1,12}$/.test(stamped) || !/^[A-Za-z0-9+/]+={0,2}$/.test(given)) return 'SIGNATURE_MALFORMED';
  const key = publicKeys.get(keyId);
  const isSigned =
    key !== undefined &&
    createVerify('RSA-SHA256')
      .update(linesOf([stamped, once, body]))
      .verify(key, given, 'base64');
  if (!isSigned) return 'SIGNATURE_MISMATCH';
  return Math.abs(at.getTime() / 1_000 - Number(stamped)) > toleranceSeconds ? 'TIMESTAMP_OUTSIDE_WINDOW' : null;
}
