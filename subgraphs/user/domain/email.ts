import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { typedIdentifier } from '../../shared/values/text.ts';
import { type Checked, accept, refuse } from './checked.ts';

export const maxEmailLength = 254;

/**
 * An e-mail address as it is kept: without white space around, its domain in lower case and as DNS has it (`müller.example` is
 * `xn--mller-kva.example`). What is before the @ stays as it is: to its mail server, case may matter.
 */
export function checkEmail(text: string, path: readonly string[]): Checked<string> {
  const given = typedIdentifier(text);
  const at = given.lastIndexOf('@');
  const email = `${given.slice(0, at + 1)}${domainToASCII(given.slice(at + 1))}`;
  return email.length <= maxEmailLength && z.email().safeParse(email).success
    ? accept(email)
    : refuse(`An e-mail address must look like name@example.com, and have at most ${maxEmailLength} characters.`, path);
}

/** Two addresses with one key are one mailbox to people, and nearly always to mail servers. */
export const emailKeyOf = (email: string): string => email.toLowerCase();
