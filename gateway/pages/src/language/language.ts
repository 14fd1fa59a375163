import { useSyncExternalStore } from 'react';
import { defaultLanguage } from '../environment.ts';
import { currentSession, onSession } from '../session.ts';
import { type Language, isLanguage, showLanguage, shownLanguage } from './catalogue.ts';

/** The server reads it too, for the page's head (gateway/pages/serve-pages.ts). */
const cookieName = 'language';
const keptSeconds = 31_536_000;

const listeners = new Set<() => void>();
/** As long as the page lives, where cookies are switched off. */
let chosenHere: Language | undefined;

const chosenByHand = (): Language | undefined => {
  const kept = new RegExp(`(?:^|; )${cookieName}=(\\w+)`).exec(document.cookie)?.[1];
  return isLanguage(kept) ? kept : chosenHere;
};

/** The shop's own language says nothing: an account that has chosen none has it. */
function chosenByAccount(): Language | undefined {
  // A session of before there were languages has none.
  const own = (currentSession()?.user.locale as string | undefined)?.toLowerCase();
  return isLanguage(own) && own !== defaultLanguage ? own : undefined;
}

const wantedByBrowser = (): Language | undefined =>
  navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => isLanguage(tag));

/** By hand in this browser, or else that of the account, of the browser, of the shop. */
const preferredLanguage = (): Language =>
  chosenByHand() ?? chosenByAccount() ?? wantedByBrowser() ?? (isLanguage(defaultLanguage) ? defaultLanguage : 'en');

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  const leave = onSession(listener);
  return () => {
    listeners.delete(listener);
    leave();
  };
}

export const usePreferredLanguage = (): Language => useSyncExternalStore(subscribe, preferredLanguage);

/** Shows all pages in this language from now on, in this browser. */
export function chooseLanguage(language: Language): void {
  // What is said on the way is said in it already.
  showLanguage(language, navigator.languages);
  chosenHere = language;
  document.cookie = `${cookieName}=${language}; path=/; max-age=${keptSeconds}; samesite=lax`;
  for (const listener of listeners) listener();
}

/** The language that is shown, as the API has it. */
export const localeOfPage = (): 'EN' | 'DE' => (shownLanguage() === 'de' ? 'DE' : 'EN');
