import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';

const telemetry = resolve(import.meta.dirname, '../../../../subgraphs/shared/process/telemetry.ts');
const program = `
const { createLogger } = await import(${JSON.stringify(telemetry)});
createLogger('order', 'info').info({ operation: 'PlaceOrder', token: 'planted', nested: { password: 'planted' } }, 'operation');
`;

/** What a process says whose output is a pipe. */
function said(env: Record<string, string>): string {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { PATH: String(process.env['PATH']), ...env },
  });
  expect(stderr).toBe('');
  return stdout;
}

test('in a pipe the log is JSON, one line each', () => {
  expect(JSON.parse(said({}))).toMatchObject({
    name: 'order',
    msg: 'operation',
    operation: 'PlaceOrder',
    token: '[redacted]',
  });
});

test('for people it is one line with the time, the service and what it says, and without secrets', () => {
  const text = said({ LOG_FORMAT: 'pretty' });
  expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO \(order\): operation \{.*"operation":"PlaceOrder"/);
  expect(text.trim().split('\n')).toHaveLength(1);
  expect(text).not.toContain('planted');
  expect(said({ LOG_FORMAT: 'pretty', FORCE_COLOR: '1' })).toContain('[32mINFO');
});
