import { z } from 'zod';
import { RefusedError, tooManyRequests, unavailable } from '../../shared/errors/errors.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import type { WechatConfig } from './identity-config.ts';
import { type ProvedIdentity, isSubject } from './identity.ts';

/** WeChat, which says whose code a mini program got from `wx.login`. */
export type WechatClient = {
  readonly appId: string;
  /** Throws RefusedError with InvalidCredentialsError for a code that is not good, SERVICE_UNAVAILABLE where WeChat can't be asked. */
  prove(code: string): Promise<ProvedIdentity>;
};

const requestTimeoutMs = 4_000;
/** @see https://developers.weixin.qq.com/miniprogram/en/dev/OpenApiDoc/user-login/code2Session.html */
const codesOfBadCodes: ReadonlySet<number> = new Set([40029, 40163, 40226]);
const codeOfTooMany = 45011;

const session = z.object({
  openid: z.string().optional(),
  errcode: z.number().optional(),
  errmsg: z.string().optional(),
});

const refused = () =>
  new RefusedError(invalidCredentialsError('WeChat refused the sign-in, or it has ended; try again.'));

export function createWechatClient(
  { apiBase, appId, appSecret }: WechatConfig,
  { log }: { log: Logger },
): WechatClient {
  async function ask(code: string): Promise<z.infer<typeof session>> {
    const url = new URL(`${apiBase}/sns/jscode2session`);
    url.search = new URLSearchParams({
      appid: appId,
      secret: appSecret,
      js_code: code,
      grant_type: 'authorization_code',
    }).toString();
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(requestTimeoutMs), redirect: 'error' });
      if (!response.ok) throw new Error(`status ${response.status}`);
      return session.parse(await response.json());
    } catch (error) {
      // The message of fetch has no URL, which has the secret in it.
      log.error({ err: (error as Error).message }, 'WeChat can’t be asked');
      throw unavailable('WeChat does not answer as it should; try again in a moment.');
    }
  }

  return {
    appId,
    async prove(code) {
      const { openid, errcode = 0, errmsg } = await ask(code);
      if (errcode === codeOfTooMany) throw tooManyRequests('WeChat is asked too often; try again in a minute.');
      if (codesOfBadCodes.has(errcode)) throw refused();
      if (errcode !== 0 || openid === undefined || !isSubject(openid)) {
        log.error({ errcode, errmsg }, 'WeChat does not say whose code it is');
        throw unavailable('WeChat does not answer as it should; try again in a moment.');
      }
      return { type: 'WX_MINI', issuer: appId, subject: openid, name: null, email: null };
    },
  };
}
