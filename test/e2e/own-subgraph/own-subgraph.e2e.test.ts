import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { walkThrough } from './own-subgraph.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');

describe.each(['one', 'split'] as const)("a team's own subgraph in the graph, in the shape %s", (shape) => {
  walkThrough(shape);
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
