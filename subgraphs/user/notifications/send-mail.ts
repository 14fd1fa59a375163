import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import { inTime } from '../../shared/time/in-time.ts';
import type { NotificationConfig } from './config.ts';
import { mailOf } from './mail.ts';
import { type Outcome, type Outgoing, type Sender, sendTimeoutMs } from './sender.ts';

const connectTimeoutMs = 10_000;
const silentTimeoutMs = 20_000;

/** As nodemailer gives them. */
type SmtpError = Error & { readonly code?: string; readonly responseCode?: number };

/**
 * Mails over SMTP. Each has a connection of its own: what fails before the server was given the message was surely not sent,
 * and a failure after that without an answer leaves it open. With a pool that can't be told apart.
 */
export async function openMailSender(
  { url, from }: NonNullable<NotificationConfig['smtp']>,
  shop: string,
): Promise<Sender> {
  const [{ default: Connection }, { default: MailComposer }, { parseConnectionUrl }] = await Promise.all([
    import('nodemailer/lib/smtp-connection'),
    import('nodemailer/lib/mail-composer'),
    import('nodemailer/lib/shared'),
  ]);
  const { auth, ...server } = parseConnectionUrl(url);
  const host = /@([^>]+)>?$/.exec(from)?.[1] ?? 'localhost';

  async function send({ id, to, message }: Outgoing): Promise<Outcome> {
    const mail = new MailComposer({
      from,
      to,
      ...mailOf(message, shop),
      messageId: `<${id}@${host}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': message.language },
    }).compile();
    const connection = new Connection({
      ...server,
      connectionTimeout: connectTimeoutMs,
      greetingTimeout: connectTimeoutMs,
      socketTimeout: silentTimeoutMs,
    });
    let isGiven = false;
    try {
      const sending = converse(connection, async (say) => {
        await say((done) => connection.connect(done));
        if (auth) await say((done) => connection.login({ credentials: auth }, done));
        const bytes = await mail.build();
        isGiven = true;
        await say((done) => connection.send(mail.getEnvelope(), bytes, done));
      });
      await inTime(sending, sendTimeoutMs);
      connection.quit();
      return { outcome: 'SENT' };
    } catch (cause) {
      connection.close();
      return outcomeOf(cause as SmtpError, isGiven);
    }
  }
  return { send, close: async () => undefined };
}

type Say = (ask: (done: (error?: Error | null) => void) => void) => Promise<void>;

/** Talks with a server, one thing after the other; what goes wrong with the connection meanwhile ends it. */
async function converse(connection: SMTPConnection, talk: (say: Say) => Promise<void>): Promise<void> {
  let fail = (_: Error): void => undefined;
  const broken = new Promise<never>((_, reject) => {
    fail = reject;
  });
  broken.catch(() => undefined); // raced below
  connection.on('error', fail);
  connection.on('end', () => fail(new Error('The mail server hung up')));
  const say: Say = (ask) =>
    Promise.race([
      broken,
      new Promise<void>((resolve, reject) => {
        ask((error) => (error ? reject(error) : resolve()));
      }),
    ]);
  await talk(say);
}

/** An answer of the server says that it has not taken the message. */
function outcomeOf({ message, code, responseCode }: SmtpError, isGiven: boolean): Outcome {
  if (isGiven && responseCode === undefined) return { outcome: 'UNKNOWN', error: message };
  const isRefusal = code === 'EENVELOPE' || code === 'EMESSAGE';
  return {
    outcome: 'REFUSED',
    error: message,
    isForGood: isRefusal && responseCode !== undefined && responseCode >= 500,
  };
}
