/** What people sign in with, beside a mobile number and a password. */
export type ForeignType = 'OIDC' | 'WX_MINI';

/** Somebody as another system names them: `subject` is unique within `issuer`. */
export type Identity = {
  readonly type: ForeignType;
  /** OIDC: the issuer's URL. WX_MINI: the mini program's app id. */
  readonly issuer: string;
  /** OIDC: `sub`. WX_MINI: the openid. */
  readonly subject: string;
};

/** An identity that was proved now, and what its issuer says of the person. */
export type ProvedIdentity = Identity & {
  readonly name: string | null;
  /** Only an address that the issuer has verified. */
  readonly email: string | null;
};

/** Within ASCII, and nothing that a database might leave out when it compares: OIDC Core 2, at most 255 characters. */
const subjectForm = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;
export const isSubject = (text: string): boolean => subjectForm.test(text);
