import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { reviewsSdlPath } from '../../support/reviews.ts';
import { walkThrough } from './own-subgraph.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'own-subgraph-'));
  const add = ['--to', directory, '--add', `reviews=${reviewsSdlPath}`];
  await promisify(execFile)(process.execPath, ['schema/compose.ts', ...add], { cwd: root });
}, 60_000);
afterAll(() => rm(directory, { recursive: true }));

describe.each(['one', 'split'] as const)("a team's own subgraph in the graph, in the shape %s", (shape) => {
  walkThrough(shape, () => join(directory, 'supergraph.graphql'));
});

describe('npm start', () => {
  test('ends before anything is started where GRAPH_SUBGRAPHS and the supergraph do not agree', async () => {
    const env = {
      ...process.env,
      GRAPH_SUBGRAPHS: 'reviews=http://127.0.0.1:4201/graphql',
      SUPERGRAPH_PATH: resolve(root, 'schema/supergraph.graphql'),
    };
    const args = ['--disable-warning=ExperimentalWarning', 'ops/dev.ts'];
    const { code, stderr } = await new Promise<{ code: number | null; stderr: string }>((done) => {
      const child = execFile(process.execPath, args, { cwd: root, env }, (_, __, said) => done({ code: child.exitCode, stderr: said })); // prettier-ignore
    });
    expect(code).toBe(1);
    expect(stderr).toContain('GRAPH_SUBGRAPHS: names reviews, and');
    expect(stderr).toContain('run npm run compose -- --add reviews=');
  }, 60_000);
});
