import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { printReport } from './report.ts';
import { torture } from './torture.ts';

/** `npm run torture -- [seed] [minutes]`: exit code 1 and a list when a promise was broken. */
const usage = 'npm run torture -- [seed] [minutes]';
const defaultMinutes = 5;
const maxMinutes = 24 * 60;

const [seedText = String(Math.floor(Math.random() * 2 ** 31)), minutesText = String(defaultMinutes)] =
  process.argv.slice(2);
const [seed, minutes] = [Number(seedText), Number(minutesText)];
if (!Number.isSafeInteger(seed) || seed < 0 || !(minutes > 0 && minutes <= maxMinutes)) {
  console.error(`${usage}: a seed is a whole number, minutes are above 0 and at most ${maxMinutes}.`);
  process.exit(2);
}
console.log(`seed ${seed}, ${minutes} minutes`);

const directory = process.env['DATA_DIR'] || '.data';
await mkdir(directory, { recursive: true });
const logPath = join(directory, `torture-${seed}.log`);
const log = createWriteStream(logPath);
console.log(`what happens is written to ${logPath}`);
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const report = await torture({
  seed,
  durationMs: minutes * 60_000,
  faultEveryMs: 5_000,
  ordersPerSecond: 7,
  buyers: 40,
  paymentWindowSeconds: 30,
  print: (line) => void log.write(`${new Date().toISOString()} ${line}\n`),
});
printReport(report);
log.end();
process.exitCode = report.violations.length === 0 ? 0 : 1;
