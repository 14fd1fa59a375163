import { type JWK, SignJWT, exportJWK, generateKeyPair } from 'jose';

/** The benchmark's clients: each has an access token of its own, so that no gateway can answer two of them as one. */
export type Clients = {
  /** What the user subgraph would publish for these tokens. */
  readonly jwk: JWK;
  /** `Authorization` headers, one a client, good for the next minutes. */
  authorizations(count: number): Promise<readonly string[]>;
};

const lifetimeSeconds = 590;

export async function openClients(): Promise<Clients> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const kid = 'bench';
  const authorization = async (_: unknown, index: number): Promise<string> => {
    const token = await new SignJWT({ sub: `bench-user-${index}`, sid: `bench-session-${index}`, roles: ['CUSTOMER'] })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
      .setIssuer('order-platform')
      .setAudience('order-platform-api')
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1_000) + lifetimeSeconds)
      .sign(privateKey);
    return `Bearer ${token}`;
  };
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' },
    authorizations: (count) => Promise.all(Array.from({ length: count }, authorization)),
  };
}
