import type { WechatPayConfig } from '../config.ts';
import { saysNothing } from './answers.ts';
import { ProviderRefused, ProviderUnreachable } from './provider.ts';
import type { WechatPaySigning } from './wechat-pay-signing.ts';

/** Two requests end within the time that the platform's jobs give a provider. */
const requestTimeoutMs = 4_000;
const downloadTimeoutMs = 60_000;
/** A day of about 250,000 payments. */
const maxDownloadBytes = 100 * 1024 * 1024;
/** Refusals with a status of 400 or 403 that say nothing about the request itself: a limit of frequency, or a setting that is wrong until somebody mends it. */
const unheardCodes: ReadonlySet<string> = new Set([
  'SIGN_ERROR', 'SYSTEM_ERROR', 'BANK_ERROR', 'FREQUENCY_LIMITED', 'RATELIMIT_EXCEEDED', 'RULE_LIMIT', 'NO_AUTH',
  'APPID_MCHID_NOT_MATCH', 'MCH_NOT_EXISTS',
]); // prettier-ignore

/** WeChat Pay's API v3: requests are signed, answers believed when one of WeChat's keys has signed them. */
export type WechatPayGateway = {
  /** The answer's JSON; null where it has no body. Rejects with ProviderUnreachable, or with ProviderRefused whose code is WeChat's. */
  ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown>;
  /** A file by the address that an answer gave. Nobody signs it: compare its hash. */
  download(url: string): Promise<Buffer>;
};

export function openWechatPayGateway(config: WechatPayConfig, signing: WechatPaySigning): WechatPayGateway {
  const [keyId = ''] = config.publicKeys.keys();

  async function send(request: { method: string; path: string; body: string; timeoutMs: number }) {
    const { method, path, body, timeoutMs } = request;
    try {
      const response = await fetch(`${config.apiBase}${path}`, {
        method,
        headers: {
          accept: 'application/json',
          authorization: signing.authorization(request),
          // WeChat signs its answer with the key that is named here.
          'wechatpay-serial': keyId,
          ...(body === '' ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === '' ? {} : { body }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { response, content: await contentOf(response) };
    } catch (error) {
      throw new ProviderUnreachable(`wechat_pay: ${method} ${named(path)}: ${reasonOf(error)}`, { cause: error });
    }
  }

  return {
    async ask(method, path, given) {
      const body = given === undefined ? '' : JSON.stringify(given);
      const { response, content } = await send({ method, path, body, timeoutMs: requestTimeoutMs });
      const { status } = response;
      const failed = (why: string) => new ProviderUnreachable(`wechat_pay: ${method} ${named(path)}: ${why}`);
      const badSignature = signing.check(Object.fromEntries(response.headers), content);
      // Who answers that our own signature is wrong signs nothing: its code is for the log.
      if (badSignature !== null)
        throw failed(response.ok ? badSignature : `${status} ${refusalOf(content)?.code ?? badSignature}`);
      if (response.ok) return content.length === 0 ? null : jsonOf(content);
      const refusal = refusalOf(content);
      if (refusal === null) throw failed(`status ${status}`);
      // 403 is what a refusal of the request itself has as well, e.g. NOT_ENOUGH.
      if ((status !== 403 && saysNothing(status)) || unheardCodes.has(refusal.code))
        throw failed(`${status} ${refusal.code}`);
      throw new ProviderRefused(refusal.code, refusal.message);
    },
    async download(url) {
      const { pathname, search } = new URL(url, config.apiBase);
      const path = `${pathname}${search}`;
      const { response, content } = await send({ method: 'GET', path, body: '', timeoutMs: downloadTimeoutMs });
      if (!response.ok) throw new ProviderUnreachable(`wechat_pay: a download ended with status ${response.status}`);
      return content;
    },
  };
}

/** Without the query, which may hold a token. */
const named = (path: string): string => path.split('?', 1)[0] ?? '';

/** `fetch` says in its error's cause what went wrong. */
function reasonOf(error: unknown): string {
  const { cause, message, name } = error as Error & { cause?: { code?: string } };
  return (cause?.code ?? (name === 'TimeoutError' ? name : message)).slice(0, 200);
}

async function contentOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxDownloadBytes) throw new Error(`more than ${maxDownloadBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function jsonOf(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return undefined; // whoever reads it finds that nothing fits
  }
}

function refusalOf(content: Buffer): { code: string; message: string } | null {
  const { code, message } = (jsonOf(content) ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || code === '') return null;
  return { code: code.slice(0, 64), message: typeof message === 'string' ? message.slice(0, 400) : code.slice(0, 64) };
}
