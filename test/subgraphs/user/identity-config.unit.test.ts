import { expect, test } from '@jest/globals';
import { readIdentityConfig } from '../../../subgraphs/user/identities/identity-config.ts';

const publicUrl = 'https://shop.example';

test('signing in by WeChat needs the secret of the app, whose id alone is for WeChat Pay', () => {
  const app = { WX_APP_ID: 'wx0123456789abcdef' };
  expect(readIdentityConfig(app, { publicUrl }).wechat).toBeNull();
  const wechat = { appId: app.WX_APP_ID, appSecret: 'secret', apiBase: 'https://api.weixin.qq.com' };
  expect(readIdentityConfig({ ...app, WX_APP_SECRET: 'secret' }, { publicUrl }).wechat).toEqual(wechat);
  expect(() => readIdentityConfig({ WX_APP_SECRET: 'secret' }, { publicUrl })).toThrow('WX_APP_ID');
});

test('in production the secret of the app goes to https alone, or to this machine', () => {
  const app = { WX_APP_ID: 'wx0123456789abcdef', WX_APP_SECRET: 'secret' };
  const read = (env: Record<string, string>) => () => readIdentityConfig({ ...app, ...env }, { publicUrl }).wechat;
  for (const WX_API_BASE of ['http://wechat.example', 'ftp://wechat.example'])
    expect(read({ NODE_ENV: 'production', WX_API_BASE })).toThrow('WX_API_BASE');
  for (const WX_API_BASE of ['https://wechat.example', 'http://127.0.0.1:8080'])
    expect(read({ NODE_ENV: 'production', WX_API_BASE })()).toMatchObject({ apiBase: WX_API_BASE });
  expect(read({ NODE_ENV: 'development', WX_API_BASE: 'http://wechat.example' })()).not.toBeNull();
});

test.each([
  'https://shop.example/callback?from=id',
  'https://shop.example/callback?',
  'https://shop.example',
  'https://SHOP.example/callback',
  'https://shop.example:443/callback',
  'https://shop.example/a/../callback',
])('a redirect URI that an issuer may take for another one is refused: %s', (redirectUri) => {
  const issuers = (redirectUris: string[]) => ({
    OIDC_ISSUERS: JSON.stringify([{ issuer: 'https://id.example', clientId: 'shop', redirectUris }]),
  });
  expect(() => readIdentityConfig(issuers([redirectUri]), { publicUrl })).toThrow('0.redirectUris.0 must be written');
  const good = 'https://shop.example/callback';
  expect(readIdentityConfig(issuers([good]), { publicUrl }).issuers[0]?.redirectUris).toEqual([good]);
});
