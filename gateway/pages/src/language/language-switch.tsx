import { languages, shownLanguage, t } from './catalogue.ts';
import { chooseLanguage } from './language.ts';

export const languageNames = { en: 'English', de: 'Deutsch' } as const;

/** Chooses the language of the pages by hand. */
export const LanguageSwitch = () => (
  <nav className="languages" aria-label={t().frame.language}>
    {languages.map((language) => (
      <button
        key={language}
        type="button"
        className="link"
        lang={language}
        aria-pressed={language === shownLanguage()}
        onClick={() => chooseLanguage(language)}
      >
        {languageNames[language]}
      </button>
    ))}
  </nav>
);
