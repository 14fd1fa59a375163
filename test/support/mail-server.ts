import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { until } from './until.ts';

/** What the server does with the next message instead of taking it. */
export type Mishap =
  /** Says no to the recipient, with this code. */
  | { readonly at: 'recipient'; readonly code: number }
  /** Reads the message and says no, with this code. */
  | { readonly at: 'message'; readonly code: number }
  /** Reads the message, and hangs up without an answer. */
  | { readonly at: 'hang-up' }
  /** Reads the message, and takes it when this is over. */
  | { readonly at: 'stall'; readonly over: Promise<void> };

/** A mail server on this machine that keeps what it is sent. */
export type MailServer = {
  readonly url: string;
  readonly mails: readonly ParsedMail[];
  /** Messages that it was given whole, those that it refused among them. */
  readonly given: () => number;
  /** The mail to an address whose subject has this, when it has come. */
  mail(to: string, subject: string): Promise<ParsedMail>;
  /** One for each of the next messages. */
  next(...mishaps: readonly Mishap[]): void;
  close(): Promise<void>;
};

export async function startMailServer(): Promise<MailServer> {
  const mails: ParsedMail[] = [];
  const mishaps: Mishap[] = [];
  let given = 0;
  const refusal = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    closeTimeout: 100,
    onRcptTo({ address }, _, done) {
      const [mishap] = mishaps;
      if (mishap?.at !== 'recipient') return done();
      mishaps.shift();
      done(refusal(mishap.code, `<${address}>: no such mailbox`));
    },
    onData(stream, session, done) {
      const mishap = mishaps.shift();
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        given += 1;
        if (mishap?.at === 'message') return done(refusal(mishap.code, 'not now'));
        if (mishap?.at === 'hang-up') {
          for (const connection of server.connections) if (connection.session === session) connection.close();
          return;
        }
        const keep = async (): Promise<void> => {
          if (mishap?.at === 'stall') await mishap.over;
          mails.push(await simpleParser(Buffer.concat(chunks)));
        };
        void keep().finally(done);
      });
    },
  });
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    given: () => given,
    mail: (to, subject) =>
      until(() => mails.find((mail) => addressOf(mail) === to && mail.subject?.includes(subject)), {
        timeoutMs: 20_000,
        what: `a mail to ${to} about ${subject} among ${mails.map((mail) => `${addressOf(mail)} ${mail.subject}`).join('; ')}`,
      }),
    next: (...coming) => void mishaps.push(...coming),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
      }),
  };
}

export const addressOf = ({ to }: ParsedMail): string | undefined => [to].flat()[0]?.value[0]?.address;
