import { spawn } from 'node:child_process';

const keptOutputChars = 200_000;

/**
 * Runs a command to its end, without input.
 *
 * @returns what it wrote to standard output
 * @throws Error with the end of its output when it cannot be started or exits with anything but 0
 */
export async function runCommand(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let all = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    all = (all + text).slice(-keptOutputChars);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    all = (all + text).slice(-keptOutputChars);
  });
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal));
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed (${code}):\n${lastLines(all, 20)}`);
  return stdout;
}

/** The last `count` lines of a text. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
