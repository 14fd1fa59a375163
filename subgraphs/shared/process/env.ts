import { z } from 'zod';

const heading = "The configuration can't work:";
const footing = 'docs/configuration.md lists every variable.';

/** The environment as given: `process.env` or a test's own. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A configuration that can't work. The message names each variable, what is wrong with it and the mend. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * A value that is fit for development only: used when the variable is unset, refused when `NODE_ENV=production`,
 * whether it is missing there or was copied from here.
 */
export const developmentValue = (env: Env, variable: string, value: string): string => {
  const given = env[variable];
  if (env['NODE_ENV'] === 'production' && (given === undefined || given === '' || given === value)) {
    throw new ConfigError(
      `${variable}: needs a value of your own when NODE_ENV=production; set it in the environment.`,
    );
  }
  return given === undefined || given === '' ? value : given;
};

/**
 * Reads typed configuration. `shape` maps variable names to zod schemas (strings in; use `z.coerce` for numbers);
 * an empty value counts as unset. Throws one ConfigError that lists everything wrong.
 */
export function readEnv<Shape extends z.ZodRawShape>(env: Env, shape: Shape): z.infer<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.keys(shape).map((name) => [name, env[name] === '' ? undefined : env[name]]));
  const result = z.object(shape).safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `  ${name}: ${given[name] === undefined ? 'is not set' : issue.message}${shape[name] instanceof z.ZodType && shape[name].description ? ` — ${shape[name].description}` : ''}`;
  });
  throw new ConfigError([heading, ...lines, footing].join('\n'));
}

/**
 * Runs all checks and throws one ConfigError with every line that any of them says, each once; so that somebody who
 * configures a platform is told everything in one go.
 */
export function checkAll(checks: readonly (() => unknown)[]): void {
  const lines = new Set<string>();
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const line of error.message.split('\n')) if (line !== heading && line !== footing) lines.add(line.trim());
    }
  }
  if (lines.size > 0) throw new ConfigError([heading, ...[...lines].map((line) => `  ${line}`), footing].join('\n'));
}

/** A whole number within bounds, from text; blanks are no number. */
export const integer = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^-?[0-9]{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `is not a whole number from ${min} to ${max}`,
    })
    .transform(Number);
/** An absolute URL with one of these schemes. */
export const url = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
    error: `is not a ${schemes.join(' or ')} URL`,
  });
