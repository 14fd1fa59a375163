import { z } from 'zod';
import { ConfigError, type Env, readEnv, url } from '../../shared/process/env.ts';
import { type Locale, locales } from '../domain/locale.ts';

export type NotificationConfig = {
  /** Undefined: no mail server. */
  readonly smtp: { readonly url: string; readonly from: string } | undefined;
  /** Undefined: no gateway that sends SMS. */
  readonly sms: { readonly url: string; readonly secret: string } | undefined;
  /** Of people who have not chosen one. */
  readonly defaultLocale: Locale;
  /** Where nothing sends, messages are in the log: for development alone. */
  readonly logsMessages: boolean;
};

const minSecretBytes = 24;
const mailAddress = z.email();

/** `orders@shop.example`, or `Our shop <orders@shop.example>`. */
const isSender = (text: string): boolean => {
  const [, , inBrackets] = /^([^<>\r\n]*)<([^<>]+)>$/.exec(text) ?? [];
  return mailAddress.safeParse(inBrackets ?? text).success;
};

const secretBytes = (secret: string): number => Buffer.from(secret.slice('whsec_'.length), 'base64').length;

/** Throws ConfigError naming the variable and the mend. */
export function readNotificationConfig(env: Env): NotificationConfig {
  const isProduction = env['NODE_ENV'] === 'production';
  const given = readEnv(env, {
    SMTP_URL: url('smtp', 'smtps').optional(),
    MAIL_FROM: z
      .string()
      .refine(isSender, { error: 'is no sender, as orders@shop.example or Our shop <orders@shop.example>' })
      .optional(),
    SMS_WEBHOOK_URL: url('http', 'https').optional(),
    SMS_WEBHOOK_SECRET: z
      .string()
      .refine((text) => /^whsec_[A-Za-z0-9+/]+=*$/.test(text) && secretBytes(text) >= minSecretBytes, {
        error: `is not whsec_ with the base64 of at least ${minSecretBytes} random bytes`,
      })
      .optional(),
    DEFAULT_LOCALE: z.enum(locales).default('EN'),
  });
  const { SMTP_URL: smtpUrl, MAIL_FROM: from, SMS_WEBHOOK_URL: smsUrl, SMS_WEBHOOK_SECRET: secret } = given;
  if (smtpUrl !== undefined && from === undefined)
    throw new ConfigError('MAIL_FROM: is not set — from whom mails are, e.g. Our shop <orders@shop.example>.');
  if (smsUrl !== undefined && secret === undefined)
    throw new ConfigError(
      'SMS_WEBHOOK_SECRET: is not set — signs what is sent to SMS_WEBHOOK_URL; whsec_ with the base64 of 24 to 64 random bytes.',
    );
  if (smsUrl !== undefined && isProduction && !smsUrl.startsWith('https:'))
    throw new ConfigError('SMS_WEBHOOK_URL: must be an https URL when NODE_ENV=production.');
  return {
    smtp: smtpUrl === undefined || from === undefined ? undefined : { url: smtpUrl, from },
    sms: smsUrl === undefined || secret === undefined ? undefined : { url: smsUrl, secret },
    defaultLocale: given.DEFAULT_LOCALE,
    logsMessages: !isProduction,
  };
}
