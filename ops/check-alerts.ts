import { join } from 'node:path';
import { runCommand } from './embedded/run-command.ts';
import { rulesDir, unpackPrometheus } from './prometheus.ts';

/**
 * Tests the alerts with Prometheus's own `promtool`, from the distribution's package: that each fires when it should and
 * stays silent before. Prints what it says, and exits with 1 where something is wrong.
 */
const { program, env } = await unpackPrometheus();
for (const args of [
  ['check', 'rules', join(rulesDir, 'rules.yml')],
  ['test', 'rules', join(rulesDir, 'rules.test.yml')],
])
  console.log(await runCommand(program('promtool'), args, { env }));
