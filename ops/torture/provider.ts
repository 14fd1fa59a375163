import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';

/** An entry of the provider's own journal. */
export type Movement = {
  readonly id: string;
  readonly type: 'charge' | 'refund';
  readonly intent: string;
  readonly amountMinor: number;
};

/** The simulated provider, as its own operator reaches it. */
export type ProviderControl = {
  /** Changes how it treats webhooks; asks until it is done. */
  control(body: Readonly<Record<string, unknown>>): Promise<void>;
  /** Has it send a webhook that is a lie. Whether that arrives is left to the faults. */
  forge(intent: string, how: string): Promise<void>;
  /** How many webhooks it has still to deliver. */
  owed(): Promise<number>;
  /** Every charge, and every refund that was done, oldest first. */
  journal(): Promise<readonly Movement[]>;
};

const timeoutMs = 10_000;
const retryMs = 250;
const maxTries = 240;

export function openProvider(url: string): ProviderControl {
  const headers = { authorization: 'Bearer sk_simulated_development', 'content-type': 'application/json' };
  async function ask(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const answer = await request(new URL(path, url), {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body && { body: JSON.stringify(body) }),
    });
    const read: unknown = await answer.body.json();
    if (answer.statusCode !== 200) throw new Error(`the provider answers ${answer.statusCode} ${JSON.stringify(read)}`);
    return read;
  }
  async function insist(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await ask(method, path, body);
      } catch (error) {
        if (tries === maxTries) throw error;
        await sleep(retryMs);
      }
    }
  }
  return {
    control: async (body) => void (await insist('POST', '/v1/test/webhooks', body)),
    forge: async (intent, how) => {
      await ask('POST', '/v1/test/webhooks', { intent, forge: how }).catch(() => undefined);
    },
    owed: async () => ((await insist('GET', '/v1/test/webhooks')) as { owed: number }).owed,
    async journal() {
      type Entry = { id: string; type: Movement['type']; payment_intent: string; amount: number };
      const movements: Movement[] = [];
      for (let more = true; more;) {
        const after = movements.at(-1)?.id;
        const page = (await insist('GET', `/v1/journal${after === undefined ? '' : `?after=${after}`}`)) as {
          data: Entry[];
          has_more: boolean;
        };
        for (const { id, type, payment_intent: intent, amount: amountMinor } of page.data)
          movements.push({ id, type, intent, amountMinor });
        more = page.has_more;
      }
      return movements;
    },
  };
}
