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
