import { useId } from 'react';
import { useClient } from 'urql';
import { Link } from 'wouter';
import { UpdateProfileDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { type Language, languages, shownLanguage, t } from '../language/catalogue.ts';
import { chooseLanguage } from '../language/language.ts';
import { languageNames } from '../language/language-switch.tsx';
import { firstRefusal } from '../language/refusals.ts';
import { adoptProfile } from '../session.ts';
import { announce } from '../ui/announcement.tsx';
import { useAction } from '../ui/use-action.ts';
import type { Account } from './account-forms.tsx';

/** In which language one is told things, and by which ways. */
export function ToldPart({ account, onChanged }: { account: Account; onChanged: () => void }) {
  const client = useClient();
  const id = useId();
  const { busy, problem, run } = useAction();
  const choose = (language: Language) =>
    run(async () => {
      const locale = language === 'de' ? 'DE' : 'EN';
      const input = { locale, expectedVersion: account.version } as const;
      const variables = { input, idempotencyKey: intentKey('update-language', input) };
      const { updateProfile } = await perform(client, UpdateProfileDocument, variables);
      settleIntent('update-language');
      onChanged();
      const refusal = firstRefusal(updateProfile.userErrors);
      if (refusal !== null) return refusal;
      adoptProfile({ locale });
      chooseLanguage(language);
      announce(t().account.toldLanguageSaved);
      return null;
    });
  return (
    <>
      <div className="field">
        <label htmlFor={id}>{t().account.toldLanguage}</label>
        <select
          id={id}
          value={account.locale === 'DE' ? 'de' : 'en'}
          disabled={busy}
          onChange={({ target }) => void choose(languages.find((each) => each === target.value) ?? shownLanguage())}
        >
          {languages.map((language) => (
            <option key={language} value={language} lang={language}>
              {languageNames[language]}
            </option>
          ))}
        </select>
      </div>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <ul className="ways small muted">
        <li>
          <Link href="/notifications">{t().account.toldHere}</Link>
        </li>
        <li>
          {account.email !== null && account.emailVerified
            ? t().account.toldMail(account.email)
            : t().account.toldNoMail}
        </li>
        <li>{t().account.toldSms}</li>
      </ul>
    </>
  );
}
