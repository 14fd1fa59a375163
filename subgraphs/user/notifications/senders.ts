import type { Logger } from '../../shared/process/telemetry.ts';
import type { NotificationConfig } from './config.ts';
import type { OutwardChannel } from './kinds.ts';
import { openMailSender } from './send-mail.ts';
import { openSmsSender } from './send-sms.ts';
import type { Sender } from './sender.ts';

export type Senders = ReadonlyMap<OutwardChannel, Sender>;

/** The channels that something sends by. */
export function outwardChannels({ smtp, sms, logsMessages }: NotificationConfig): ReadonlySet<OutwardChannel> {
  return new Set<OutwardChannel>([
    ...(smtp || logsMessages ? (['EMAIL'] as const) : []),
    ...(sms || logsMessages ? (['SMS'] as const) : []),
  ]);
}

/** What the shop calls itself: the name in MAIL_FROM, or else its host. */
export function shopName({ smtp }: NotificationConfig, publicUrl: string): string {
  const name =
    /^([^<]*)</
      .exec(smtp?.from ?? '')?.[1]
      ?.trim()
      .replaceAll(/^"|"$/g, '') ?? '';
  return name === '' ? new URL(publicUrl).host : name;
}

/** A sender for each channel that has one, and word of those that have none. */
export async function openSenders(
  config: NotificationConfig,
  deps: { readonly log: Logger; readonly now: () => Date; readonly shop: string },
): Promise<Senders> {
  const { log, shop } = deps;
  const senders = new Map<OutwardChannel, Sender>();
  if (config.smtp) senders.set('EMAIL', await openMailSender(config.smtp, shop));
  else if (config.logsMessages) senders.set('EMAIL', inLog('EMAIL', log));
  else log.warn('e-mail is off: nobody is sent any; set SMTP_URL and MAIL_FROM');
  if (config.sms) senders.set('SMS', await openSmsSender(config.sms, deps));
  else if (config.logsMessages) senders.set('SMS', inLog('SMS', log));
  else log.info('SMS are off; set SMS_WEBHOOK_URL and SMS_WEBHOOK_SECRET');
  return senders;
}

/** One line for each message. Names, numbers and addresses stay out of the log; a code is in it, for without it nobody goes on. */
const inLog = (channel: OutwardChannel, log: Logger): Sender => ({
  async send({ id, message: { kind, subject, code } }) {
    const line = { channel, notificationId: id, kind, subject, ...(code && { code: code.value }) };
    // Somebody waits for a code.
    if (code) log.warn(line, 'nothing sends by this channel here: this code would have been sent');
    else log.info(line, 'nothing sends by this channel here: this message would have been sent');
    return { outcome: 'SENT' };
  },
  close: async () => undefined,
});
