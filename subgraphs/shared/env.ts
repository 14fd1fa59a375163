import { z } from 'zod';

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
  throw new ConfigError(`The configuration can't work:\n${lines.join('\n')}\nThe README lists every variable.`);
}

/** A whole number within bounds, from text. */
export const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
/** An absolute URL with one of these schemes. */
export const url = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
    error: `is not a ${schemes.join(' or ')} URL`,
  });
