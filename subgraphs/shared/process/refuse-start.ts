import { ConfigError, checkAll } from './env.ts';

/** What a process tells its supervisor before it ends for its configuration: trying again won't mend that. */
export const unusableConfiguration = { unusableConfiguration: true } as const;

/** Prints what is wrong, tells a supervisor, and ends this process with exit code 1. */
export async function refuseStart(error: ConfigError): Promise<never> {
  console.error(error.message);
  await new Promise<void>((told) => {
    if (process.send) process.send(unusableConfiguration, undefined, undefined, () => told());
    else told();
  });
  process.exit(1);
}

/** Makes all checks before anything else of a process is loaded or reached; ends it with a line for each variable that can't work. */
export async function checkFirst(checks: readonly (() => unknown)[]): Promise<void> {
  try {
    checkAll(checks);
  } catch (error) {
    if (error instanceof ConfigError) await refuseStart(error);
    throw error;
  }
}
