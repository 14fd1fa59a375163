import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { testBody } from '../../../../subgraphs/user/webhooks/catalogue.ts';
import type { Delivery } from '../../../../subgraphs/user/webhooks/delivery-store.ts';
import type { Endpoint } from '../../../../subgraphs/user/webhooks/endpoint-store.ts';
import {
  type AddressRule,
  type Resolve,
  addressProblem,
  isInward,
  openResolve,
  urlProblem,
} from '../../../../subgraphs/user/webhooks/inward-addresses.ts';
import { createSealer, newSecret } from '../../../../subgraphs/user/webhooks/secrets.ts';
import { createSender } from '../../../../subgraphs/user/webhooks/send-webhook.ts';
import { createSlots } from '../../../../subgraphs/user/webhooks/slots.ts';
import { type Receiver, silence, startReceiver, status, taken } from './receiver.ts';

const strict: AddressRule = { allowPrivate: false, allowHttp: true };
const lenient: AddressRule = { allowPrivate: true, allowHttp: true };
const publicAddress = '93.184.215.14';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterEach(() => {
  receiver.answer = taken;
  receiver.received.length = 0;
});
afterAll(() => receiver.close());

const sealer = createSealer(['a key of at least 32 characters, I think'], randomBytes);
const secret = newSecret(randomBytes);
const endpointOf = (url: string, change: Partial<Endpoint> = {}): Endpoint => {
  const id = change.id ?? newId();
  return { id, url, secret: sealer.seal(secret, id), previousSecret: null, previousUntil: null, ...change } as Endpoint;
};
const delivery = (): Delivery => ({ id: newId(), payload: testBody(newId(), new Date()) }) as unknown as Delivery;

async function send(
  url: string,
  given: { rule?: AddressRule; resolve?: Resolve; timeoutMs?: number; endpoint?: Endpoint } = {},
) {
  const { rule = lenient, resolve = openResolve(rule), timeoutMs = 2_000, endpoint = endpointOf(url) } = given;
  const sender = createSender({ sealer, now: () => new Date(), resolve }, { ...rule, timeoutMs });
  try {
    return await sender.send(endpoint, delivery());
  } finally {
    await sender.close();
  }
}

describe('[PM-3] addresses that lead inward', () => {
  const literals = [
    '127.0.0.1', '127.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', '127.0.0.1.', '127.255.255.254',
    '0.0.0.0', '0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '0xa9fea9fe', '100.64.0.1', '100.100.100.200',
    '192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.1.2.3', '240.0.0.1', '255.255.255.255', '168.63.129.16',
    '１２７.0.0.1', '①②⑦.0.0.1',
    '[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:10.0.0.1]', '[::127.0.0.1]', '[::ffff:0:127.0.0.1]',
    '[fe80::1]', '[fec0::1]', '[fc00::1]', '[fd00:ec2::254]', '[ff02::1]', '[64:ff9b::7f00:1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]',
    '[2001::1]', '[2001:db8::1]', '[100::1]', '[::ffff:93.184.215.14]',
  ]; // prettier-ignore
  it.each(literals)('refuses https://%s', (host) => {
    expect(urlProblem(`https://${host}/hook`, strict)).toMatch(/not public|not a URL/);
    expect(urlProblem(`https://${host}:8443/hook`, strict)).toMatch(/not public|not a URL/);
  });

  it.each([publicAddress, '[2606:2800:21f:cb07:6820:80da:af6b:8b2c]', '1.1.1.1', '8.8.8.8.', '172.32.0.1', '100.128.0.1'])('takes %s', (host) => {
    expect(urlProblem(`https://${host}/hook`, strict)).toBeNull();
  }); // prettier-ignore

  it('refuses names that lead inward, by one of several addresses too; one that is not known here is looked at when it is connected to', async () => {
    const rule = { ...strict, allowHttp: false };
    const names: Record<string, readonly string[]> = {
      'good.example': [publicAddress],
      'bad.example': ['127.0.0.1'],
      'mixed.example': [publicAddress, '10.0.0.1'],
      'six.example': ['::ffff:10.0.0.1'],
    };
    const resolve: Resolve = async (name) => names[name] ?? Promise.reject(new Error('ENOTFOUND'));
    const problem = (host: string) => addressProblem(`https://${host}/`, rule, resolve);
    expect(await problem('good.example')).toBeNull();
    for (const name of ['bad.example', 'mixed.example', 'six.example']) expect(await problem(name)).toContain('not public'); // prettier-ignore
    expect(await problem('nothing.example')).toBeNull();
    expect(await send('https://nothing.example/', { rule, resolve })).toMatchObject({
      statusCode: null,
      error: 'ENOTFOUND',
    });
    expect(await send('https://empty.example/', { rule, resolve: async () => [] })).toMatchObject({ statusCode: null, error: expect.stringContaining('not public') }); // prettier-ignore
    for (const name of ['localhost', 'LOCALHOST'])
      expect(await addressProblem(`https://${name}/`, rule, openResolve(rule))).toContain('not public');
  });

  it.each([
    ['http://good.example/', 'https://'],
    ['ftp://good.example/', 'https://'],
    ['file:///etc/passwd', 'https://'],
    ['javascript:alert(1)', 'https://'],
    ['https://user@good.example/', 'user name'],
    ['https://:secret@good.example/', 'user name'],
    ['https://good.example/#fragment', 'fragment'],
    ['good.example', 'not a URL'],
    ['https://', 'not a URL'],
    ['', 'not a URL'],
  ])('refuses %s', (url, reason) => {
    expect(urlProblem(url, { allowPrivate: false, allowHttp: false })).toContain(reason);
  });

  it('takes URLs of up to 2,048 characters', () => {
    const ofLength = (length: number) => urlProblem('https://good.example/'.padEnd(length, 'x'), strict);
    expect([ofLength(2_048), ofLength(2_049)]).toEqual([null, 'has at most 2048 characters']);
  });

  it('allows what is inside, and http, where the platform may reach it', async () => {
    for (const url of [receiver.url, 'http://localhost:1/', 'https://[::1]/']) expect(await addressProblem(url, lenient, openResolve(lenient))).toBeNull(); // prettier-ignore
    expect(urlProblem('http://user@localhost/', lenient)).toContain('user name');
  });

  it('counts what is no address as inward', () => {
    for (const address of ['', 'localhost', 'fe80::1%eth0', '1.2.3.4.5']) expect(isInward(address)).toBe(true);
  });

  it('connects to no address inside, whatever the name led to when it was saved', async () => {
    const answers = [[publicAddress], ['127.0.0.1']];
    const resolve: Resolve = async () => answers.shift() ?? ['127.0.0.1'];
    const url = `http://rebound.example:${receiver.port}/hook`;
    expect(await addressProblem(url, strict, resolve)).toBeNull();
    expect(await send(url, { rule: strict, resolve })).toMatchObject({ statusCode: null, error: expect.stringContaining('not public') }); // prettier-ignore
    expect(receiver.received).toEqual([]);
  });

  it('refuses an address in place of a name when it sends, too', async () => {
    expect(await send(receiver.url, { rule: strict })).toMatchObject({ statusCode: null, error: expect.stringContaining('not public') }); // prettier-ignore
    expect(receiver.received).toEqual([]);
  });

  it('connects to the address that it looked at, and resolves the name once', async () => {
    let asked = 0;
    const resolve: Resolve = async () => {
      asked += 1;
      return asked === 1 ? ['127.0.0.1'] : ['192.0.2.1'];
    };
    expect(await send(`http://hooks.example:${receiver.port}/hook`, { resolve })).toMatchObject({ statusCode: 204, error: null }); // prettier-ignore
    expect(asked).toBe(1);
    expect(receiver.received[0]?.headers.host).toBe(`hooks.example:${receiver.port}`);
  });
});

describe('[PM-3] sending', () => {
  it('signs after Standard Webhooks', async () => {
    expect(await send(receiver.url)).toMatchObject({ statusCode: 204, error: null });
    const [message] = receiver.received;
    const { headers, body } = message!;
    const verified = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(verified).toMatchObject({ type: 'webhook.test', version: 1 });
    expect(headers['content-type']).toBe('application/json');
    expect(() => new Webhook(newSecret(randomBytes)).verify(body, headers as Record<string, string>)).toThrow(
      'No matching signature',
    );
    expect(() => new Webhook(secret).verify(body.replace('webhook.test', 'order.paid'), headers as Record<string, string>)).toThrow('No matching signature'); // prettier-ignore
  });

  it('signs with a replaced secret too, until its time is over', async () => {
    const old = newSecret(randomBytes);
    const id = newId();
    for (const [previousUntil, isSigned] of [[new Date(Date.now() + 60_000), true], [new Date(Date.now() - 1), false]] as const) {
      await send('', { endpoint: endpointOf(receiver.url, { id, previousSecret: sealer.seal(old, id), previousUntil }) });
      const { headers, body } = receiver.received.pop()!;
      expect(String(headers['webhook-signature']).split(' ')).toHaveLength(isSigned ? 2 : 1);
      const verify = (key: string) => () => new Webhook(key).verify(body, headers as Record<string, string>);
      expect(verify(secret)).not.toThrow();
      if (isSigned) expect(verify(old)).not.toThrow();
      else expect(verify(old)).toThrow('No matching signature');
    }
  }); // prettier-ignore

  it('counts 2xx alone as taken, and keeps the beginning of what else is said', async () => {
    for (const code of [200, 201, 202]) {
      receiver.answer = status(code);
      expect(await send(receiver.url)).toMatchObject({ statusCode: code, error: null });
    }
    for (const code of [304, 400, 410, 500]) {
      receiver.answer = status(code);
      expect(await send(receiver.url)).toMatchObject({ statusCode: code, error: expect.stringContaining(`answered ${code}`) }); // prettier-ignore
    }
    receiver.answer = (_, response) => void response.writeHead(500).end('x'.repeat(1_000_000));
    expect((await send(receiver.url)).error).toHaveLength(300);
  });

  it('follows no redirect', async () => {
    receiver.answer = (message, response) =>
      message.path === '/hook' ? status(307, { location: '/elsewhere' })(message, response) : taken(message, response);
    expect(await send(receiver.url)).toMatchObject({ statusCode: 307, error: expect.stringContaining('307') });
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook']);
  });

  it('gives up on one that is silent, and does not wait for an answer without end', async () => {
    receiver.answer = silence;
    expect(await send(receiver.url, { timeoutMs: 100 })).toMatchObject({ statusCode: null, error: 'It did not answer in time.' }); // prettier-ignore
    receiver.answer = (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'.repeat(2_000)), 5);
      response.on('close', () => clearInterval(timer));
    };
    expect(await send(receiver.url, { timeoutMs: 5_000 })).toMatchObject({ statusCode: 200, error: null });
    receiver.answer = (_, response) => void response.destroy();
    expect(await send(receiver.url)).toMatchObject({ statusCode: null, error: expect.stringMatching(/closed|socket/) });
  });

  it('says so when its secret can not be read any more', async () => {
    const other = createSealer(['another key of at least 32 characters!'], randomBytes);
    const id = newId();
    const endpoint = endpointOf(receiver.url, { id, secret: other.seal(secret, id) });
    expect(await send('', { endpoint })).toMatchObject({ statusCode: null, error: expect.stringContaining('WEBHOOK_ENCRYPTION_KEY') }); // prettier-ignore
    expect(receiver.received).toEqual([]);
  });
});

describe('[PM-3] secrets at rest', () => {
  const [first, second] = ['the first key of at least 32 characters', 'the second key of at least 32 characters'] as const;

  it('are sealed anew each time, and open with any of the keys, for their endpoint alone', () => {
    const id = newId();
    const old = createSealer([first], randomBytes);
    const rotated = createSealer([second, first], randomBytes);
    const sealed = old.seal(secret, id);
    expect(sealed).not.toContain(secret.slice(6, 12));
    expect(old.seal(secret, id)).not.toBe(sealed);
    expect(rotated.open(sealed, id)).toBe(secret);
    expect(createSealer([second], randomBytes).open(rotated.seal(secret, id), id)).toBe(secret);
    expect(() => createSealer([second], randomBytes).open(sealed, id)).toThrow('WEBHOOK_ENCRYPTION_KEY');
    expect(() => old.open(sealed, newId())).toThrow('WEBHOOK_ENCRYPTION_KEY');
  });
}); // prettier-ignore

describe('[PM-3] slots', () => {
  it('go to those who wait in turns, so that one with many wants delays another by one', async () => {
    const slots = createSlots(1);
    await slots.take('first');
    expect(slots.takeFree(5)).toBe(0);
    const order: string[] = [];
    const waits = ['many', 'many', 'many', 'one'].map((client) => slots.take(client).then(() => order.push(client)));
    for (const _ of waits) {
      slots.give(1);
      await Promise.resolve();
    }
    await Promise.all(waits);
    expect(order).toEqual(['many', 'one', 'many', 'many']);
    slots.give(1);
    expect(slots.takeFree(5)).toBe(1);
  });
});
