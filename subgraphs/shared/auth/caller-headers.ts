/** Headers by which a caller shows who it is; lower case, as Node gives them. */
export const callerHeaders = {
  app: 'x-service-app',
  token: 'x-service-token',
  identity: 'x-identity',
  clientAddress: 'x-client-address',
  /** What the client calls itself: told to the user service alone. */
  clientAgent: 'x-client-agent',
  trace: 'traceparent',
  /** Milliseconds after which the caller no longer waits. */
  timeout: 'x-timeout-ms',
} as const;
export type Headers = Readonly<Record<string, string | string[] | undefined>>;
/** The first value of a header; Node gives a list where it was sent twice. */
export const header = (headers: Headers, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};
