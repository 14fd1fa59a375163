import { useGraphiQL, useGraphiQLActions, type GraphiQLPlugin } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { SignInForm } from '../account/sign-in-form.tsx';
import { signOut, useAccessToken, useSession } from '../session.ts';
import { notePayment, useActivity } from './activity.ts';
import { examples, type Example } from './examples.ts';
import { writtenHeaders } from './fetcher.ts';

function StartHere() {
  return (
    <div className="start-here">
      <h2>Start here</h2>
      <Account />
      <TestCard />
      <Examples />
    </div>
  );
}

/** Signing in puts the token into the headers editor of the tab; every other tab sends it as well. */
function Account() {
  const session = useSession();
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const tab = useGraphiQL((state) => state.activeTabIndex);
  const token = useAccessToken();

  useEffect(() => {
    if (headerEditor === undefined) return;
    const authorization = token === null ? null : `Bearer ${token}`;
    const shown = headerEditor.getValue();
    const written = [...writtenHeaders].find((header) => shown.includes(header));
    if (authorization === null) {
      if (written !== undefined) headerEditor.setValue('');
      return;
    }
    writtenHeaders.add(authorization);
    if (written !== undefined) headerEditor.setValue(shown.replace(written, authorization));
    else if (shown.trim() === '') headerEditor.setValue(JSON.stringify({ authorization }, null, 2));
    // Each tab has headers of its own.
  }, [headerEditor, token, tab]);

  if (session === null) {
    return (
      <section aria-labelledby="start-sign-in">
        <SignInForm
          head={(title) => (
            <>
              <h3 id="start-sign-in">{title}</h3>
              <p className="muted">Or run “Register” or “Login”: their tokens are taken over too.</p>
            </>
          )}
        />
      </section>
    );
  }
  return (
    <section aria-labelledby="start-account">
      <h3 id="start-account">Signed in as {session.user.name}</h3>
      <p className="muted">
        Every tab sends <code>authorization: Bearer …{token?.slice(-6)}</code>, renewed by itself. A header of your own
        in a tab comes first.
      </p>
      <button type="button" className="link" onClick={signOut}>
        Sign out
      </button>
    </section>
  );
}

const testCards = [
  ['4242424242424242', 'pays'],
  ['4000000000000002', 'is declined'],
] as const;

/** What “CreatePayment” leaves to do: the card goes to the provider, and never through the API. */
function TestCard() {
  const { confirmUrl } = useActivity();
  const [said, setSaid] = useState('');
  if (confirmUrl === null && said === '') return null;
  const send = async (card: string) => {
    setSaid('Paying…');
    try {
      // The provider is behind this origin, under whatever name the page was opened.
      const response = await fetch(new URL(confirmUrl ?? '').pathname, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ card }),
      });
      const answer = (await response.json()) as { status?: string; error?: { message?: string } };
      if (response.ok) notePayment(null);
      setSaid(response.ok ? `The provider says: ${answer.status}. “WatchOrder” shows what came of it.` : (answer.error?.message ?? `The provider answers ${response.status}.`)); // prettier-ignore
    } catch {
      setSaid('The provider can’t be reached. Try again.');
    }
  };
  return (
    <section aria-labelledby="start-pay">
      <h3 id="start-pay">Pay</h3>
      {confirmUrl !== null && (
        <p className="cards">
          {testCards.map(([card, what]) => (
            <button key={card} type="button" className="link" onClick={() => void send(card)}>
              The card …{card.slice(-4)} {what}
            </button>
          ))}
        </p>
      )}
      <p className="muted" role="status">
        {said}
      </p>
    </section>
  );
}

function Examples() {
  const { addTab, changeTab } = useGraphiQLActions();
  const { queryEditor, variableEditor, tabs } = useGraphiQL(
    ({ queryEditor: query, variableEditor: variables, tabs: all }) => ({
      queryEditor: query,
      variableEditor: variables,
      tabs: all,
    }),
  );
  const open = (example: Example) => {
    const shown = tabs.findIndex((tab) => tab.query === example.query);
    if (shown >= 0) {
      changeTab(shown);
      return;
    }
    addTab();
    queryEditor?.setValue(example.query);
    variableEditor?.setValue(example.variables);
  };
  return (
    <section aria-labelledby="start-examples">
      <h3 id="start-examples">Examples</h3>
      <p className="muted">
        Run the first five from left to right, and pay when “Pay” appears above. Words in capitals, such as{' '}
        <code>ORDER_ID</code>, are filled in from the answers before.
      </p>
      <ol className="examples">
        {examples.map((example) => (
          <li key={example.title}>
            <button type="button" onClick={() => open(example)}>
              <strong>{example.title}</strong>
              <span className="muted">{example.about}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

const Icon = () => (
  <svg
    viewBox="0 0 24 24"
    width="24"
    height="24"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.5"
    aria-hidden="true"
  >
    <circle cx="12" cy="8" r="3.5" />
    <path d="M5 20c.6-4 3.4-6 7-6s6.400 2 7 6" strokeLinecap="round" />
  </svg>
);

/** The panel that signs in and opens the examples. */
export const startHere: GraphiQLPlugin = { title: 'Start here', icon: Icon, content: StartHere };
