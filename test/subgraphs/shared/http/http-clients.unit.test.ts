import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { checkConfiguration } from '../../../../ops/check-configuration.ts';
import { httpLinks } from '../../../../subgraphs/shared/calls/http-links.ts';
import { readHttpClient } from '../../../../subgraphs/shared/http/http-clients.ts';
import { ConfigError } from '../../../../subgraphs/shared/process/env.ts';
import { afterTest, listening, testHttpClient } from './transport-world.ts';

await testHttpClient('own');

describe('HTTP_CLIENT', () => {
  test.each([
    [undefined, 'own'],
    ['', 'own'],
    ['own', 'own'],
    ['undici', 'undici'],
  ])('of %j is %s', (value, name) => {
    expect(readHttpClient({ HTTP_CLIENT: value })).toBe(name);
  });

  test.each(['Undici', 'fetch', 'own,undici'])('of %j is refused before anything is started', async (value) => {
    const env = { HTTP_CLIENT: value };
    const wrong = /HTTP_CLIENT: is neither own nor undici/;
    await expect(httpLinks(env, () => undefined)).rejects.toThrow(ConfigError);
    await expect(httpLinks(env, () => undefined)).rejects.toThrow(wrong);
    expect(() => checkConfiguration(env)).toThrow(wrong);
  });

  test.each([
    ['own', '0'],
    ['undici', undefined],
  ])('of %j carries the requests of links', async (value, lengthOfNoBody) => {
    const seen: unknown[] = [];
    const { port } = await listening(
      createServer(({ headers }, response) => {
        // undici alone says nothing of a body that a GET hasn't.
        seen.push(headers['content-length']);
        response.end('here');
      }),
    );
    const links = await httpLinks({ HTTP_CLIENT: value, PRODUCT_URL: `http://127.0.0.1:${port}` }, () => undefined);
    afterTest(() => links.close());
    const asked = { method: 'GET', path: '/health/live', headers: {}, body: Buffer.alloc(0) };
    expect(await links.link('product').raw(asked)).toMatchObject({ status: 200, body: 'here' });
    expect(seen).toEqual([lengthOfNoBody]);
  });
});
