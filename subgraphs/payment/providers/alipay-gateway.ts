import type { AlipaySdkCommonResult } from 'alipay-sdk';
import type { AlipayConfig } from '../config.ts';
import { AlipayRequestError, AlipaySdk } from './alipay-sdk.ts';
import { toChinaTime } from './china.ts';
import { ProviderRefused, ProviderUnreachable } from './provider.ts';

/** Two requests end within the time that a mutation waits for its provider. */
const requestTimeoutMs = 4_000;
const done = '10000';
/** Codes that say nothing about the request itself: out of service, or an authority that is wrong until somebody mends it. */
const unheardCodes: ReadonlySet<string> = new Set(['20000', '20001', '40003', '40005', '40006']);
const unheardSubCodes =
  /SYSTEM_ERROR|^(?:isp|aop)\.|^isv\.(?:(?:invalid|missing)-(?:signature|app-id|timestamp)|insufficient-isv-permissions)/;

/** Alipay's gateway: requests are signed, answers believed when one of Alipay's keys has signed them. */
export type AlipayGateway = {
  /** Rejects with ProviderUnreachable, or with ProviderRefused whose code is Alipay's `sub_code`. */
  ask(method: string, bizContent: Record<string, string>): Promise<AlipaySdkCommonResult>;
  /** A page of Alipay's to lead the customer to. */
  page(method: string, parameters: { bizContent: Record<string, string>; notifyUrl: string; returnUrl?: string }): string;
  /** True when one of Alipay's keys has signed this notification. */
  isSigned(notification: Readonly<Record<string, string>>): boolean;
}; // prettier-ignore

export function openAlipayGateway(config: AlipayConfig, now: () => Date): AlipayGateway {
  const { appId, privateKey, gatewayUrl: gateway } = config;
  const [sdk, ...others] = config.alipayPublicKeys.map(
    (alipayPublicKey) =>
      new AlipaySdk({ appId, privateKey, keyType: 'PKCS8', alipayPublicKey, gateway, timeout: requestTimeoutMs }),
  );
  if (!sdk) throw new Error("a configuration of Alipay's has a public key");
  const checks = [sdk, ...others].map((one) => one.checkResponseSign.bind(one));
  // The SDK knows one key; while Alipay changes its own, either is good.
  sdk.checkResponseSign = (...answer) => {
    if (!checks.some((check) => passes(() => check(...answer)))) {
      throw new AlipayRequestError("an answer that none of Alipay's keys has signed");
    }
  };
  return {
    async ask(method, bizContent) {
      const answer = await heard(method, () =>
        sdk.exec(method, { timestamp: toChinaTime(now()), bizContent }, { validateSign: true }),
      );
      const code = answer.code;
      if (code === done) return answer;
      const subCode = answer['subCode'] ?? code;
      if (unheardCodes.has(code) || unheardSubCodes.test(subCode)) {
        throw new ProviderUnreachable(`alipay: ${method} ${code} ${subCode}`);
      }
      throw new ProviderRefused(String(subCode), String(answer['subMsg'] ?? answer.msg));
    },
    page: (method, parameters) => sdk.pageExecute(method, 'GET', { ...parameters, timestamp: toChinaTime(now()) }),
    isSigned: (notification) => [sdk, ...others].some((one) => passes(() => one.checkNotifySignV2(notification))),
  };
}

/** A check that answers false or throws has not passed. */
function passes(check: () => unknown): boolean {
  try {
    return check() !== false;
  } catch {
    return false;
  }
}

async function heard<T>(method: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof AlipayRequestError)) throw error;
    throw new ProviderUnreachable(`alipay: ${method} ${error.message.slice(0, 200)}`, { cause: error });
  }
}
