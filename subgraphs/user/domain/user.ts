import type { Role } from '../../shared/auth/viewer.ts';
import { type Refusal, conflictError, notFoundError } from '../../shared/errors/errors.ts';
import { brokenTextRule, firstOf, foldedOf, lengthOf } from '../../shared/values/text.ts';
import type { Locale } from './locale.ts';
import { type Checked, accept, combine, refuse } from './checked.ts';

export type Gender = 'UNSPECIFIED' | 'MALE' | 'FEMALE';

/** INVITED: made by an administrator, and no password set yet. ERASED: there was a person, of whom nothing is kept. */
export type UserStatus = 'ACTIVE' | 'INVITED' | 'SUSPENDED' | 'ERASED';

/** A user as the API shows one. */
export type User = {
  readonly id: string;
  readonly name: string;
  readonly nickname: string | null;
  readonly gender: Gender;
  readonly mobile: string | null;
  readonly email: string | null;
  /** The key of `email` once it is verified, see `emailKeyOf`; else null. */
  readonly verifiedEmail: string | null;
  readonly avatar: string | null;
  readonly info: string | null;
  readonly roles: readonly Role[];
  readonly status: UserStatus;
  /** The language of what the user is told; null for the shop's. */
  readonly locale: Locale | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
};

/** The parts of a user that the user may change. */
export type Profile = Pick<User, 'name' | 'nickname' | 'gender' | 'avatar' | 'info' | 'locale'>;

/** What a client sends; absent members stay as they are. */
export type ProfileInput = {
  readonly name?: string | null;
  readonly nickname?: string | null;
  readonly gender?: Gender | null;
  readonly avatar?: string | null;
  readonly info?: string | null;
  readonly locale?: Locale | null;
  readonly expectedVersion?: number | null;
};

export const maxNameLength = 64;
export const maxAvatarLength = 512;
export const maxInfoLength = 1_024;

export function checkName(text: string, path: readonly string[]): Checked<string> {
  const name = text.normalize('NFC').trim();
  const broken = brokenTextRule(name, { min: 1, max: maxNameLength, lines: false });
  return broken === null ? accept(name) : refuse(`It ${broken}.`, path);
}

/** Folding may make several characters of one, in some scripts up to 18. */
export const maxNameKeyLength = 128;

/** A name, or its beginning, in the form in which searches compare it. */
export const nameKeyOf = (name: string): string =>
  firstOf(foldedOf(firstOf(name, maxNameKeyLength)).replaceAll(/\s+/g, ' ').trim(), maxNameKeyLength);

function checkAvatar(text: string, path: readonly string[]): Checked<string> {
  const isPath = /^\/(?![/\\])[\x21-\x7e]*$/.test(text);
  const isUrl = URL.canParse(text) && new URL(text).protocol === 'https:';
  return lengthOf(text) <= maxAvatarLength && (isPath || isUrl)
    ? accept(text)
    : refuse(
        `An avatar must be an https URL, or a path that begins with one /, of at most ${maxAvatarLength} characters.`,
        path,
      );
}

function checkInfo(text: string, path: readonly string[]): Checked<string> {
  const broken = brokenTextRule(text, { min: 0, max: maxInfoLength, lines: true });
  return broken === null ? accept(text) : refuse(`It ${broken}.`, path);
}

/** The changes that a profile input asks for, checked; members that are absent stay absent. */
export function checkProfile(
  input: ProfileInput,
): { readonly values: Partial<Profile> } | { readonly refusals: readonly Refusal[] } {
  const path = (field: string): string[] => ['input', field];
  const checks: Record<string, Checked<unknown>> = {};
  if (input.name === null) checks['name'] = refuse('A name can be changed but not removed.', path('name'));
  else if (input.name !== undefined) checks['name'] = checkName(input.name, path('name'));
  if (input.gender !== undefined) checks['gender'] = accept(input.gender ?? 'UNSPECIFIED');
  if (input.locale !== undefined) checks['locale'] = accept(input.locale);
  const clearable = { nickname: checkName, avatar: checkAvatar, info: checkInfo };
  for (const [field, check] of Object.entries(clearable) as [keyof typeof clearable, typeof checkName][]) {
    const value = input[field];
    if (value !== undefined) checks[field] = value === null ? accept(null) : check(value, path(field));
  }
  return combine<Partial<Profile>>(checks);
}

export const mobileTakenError = () =>
  ({
    __typename: 'MobileTakenError',
    code: 'MOBILE_TAKEN',
    message: 'This mobile number already belongs to an account; sign in instead.',
    path: ['input', 'mobile'],
  }) satisfies Refusal;

export const emailTakenError = (path: readonly string[]) =>
  ({
    __typename: 'EmailTakenError',
    code: 'EMAIL_TAKEN',
    message: 'This e-mail address belongs to another account; sign in there instead.',
    path,
  }) satisfies Refusal;

/** One answer for unknown numbers, wrong passwords and bad refresh tokens. */
export const invalidCredentialsError = (message: string, retryAfterSeconds: number | null = null) =>
  ({
    __typename: 'InvalidCredentialsError',
    code: 'INVALID_CREDENTIALS',
    message,
    retryAfterSeconds,
  }) satisfies Refusal;

/** Why no row was found by `update … where id and version`. */
export const profileRefusal = (versions: { expectedVersion: number; actualVersion: number | null }): Refusal =>
  versions.actualVersion === null
    ? notFoundError('This user does not exist.')
    : conflictError('The profile was changed in the meantime: read it again.', {
        expectedVersion: versions.expectedVersion,
        actualVersion: versions.actualVersion,
      });
