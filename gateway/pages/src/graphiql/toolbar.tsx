import { ToolbarButton, useGraphiQL } from '@graphiql/react';
import { parse } from 'graphql';
import { useState } from 'react';
import { useSession } from '../session.ts';
import { useActivity } from './activity.ts';
import { chosenOperation, operationsOf } from './chosen-operation.ts';
import { fillIn } from './placeholders.ts';
import { curlOf, linkTo } from './share.ts';

/** Buttons that carry the operation elsewhere: as a link, and as a curl command. */
export function CarryButtons() {
  const { queryEditor, variableEditor, operationName } = useGraphiQL(
    ({ queryEditor: query, variableEditor: variables, operationName: name }) => ({
      queryEditor: query,
      variableEditor: variables,
      operationName: name,
    }),
  );
  const session = useSession();
  const [said, setSaid] = useState('');
  const copy = (what: string, text: () => string) => {
    const tell = (words: string) => {
      setSaid(words);
      setTimeout(() => setSaid(''), 3_000);
    };
    try {
      navigator.clipboard.writeText(text()).then(
        () => tell(`${what} copied`),
        () => tell('The browser does not allow copying'),
      );
    } catch (error) {
      tell((error as Error).message);
    }
  };
  const shared = () => ({ query: queryEditor?.getValue() ?? '', variables: variableEditor?.getValue() ?? '' });
  const curl = () => {
    const { query, variables } = shared();
    const document = parse(query);
    const chosen = chosenOperation(document, operationName);
    const given = variables.trim() === '' ? {} : { variables: fillIn(JSON.parse(variables)) };
    const params = {
      query,
      ...given,
      ...(operationsOf(document).length > 1 ? { operationName: chosen?.name?.value ?? null } : {}),
    };
    return curlOf(location.origin, params, { isSubscription: chosen?.operation === 'subscription', signedIn: session !== null }); // prettier-ignore
  };
  return (
    <>
      <ToolbarButton
        label="Copy a link to this operation"
        onClick={() => copy('Link', () => linkTo(location.origin, shared()))}
      >
        <svg
          className="graphiql-toolbar-icon"
          viewBox="0 0 24 24"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.5"
          aria-hidden="true"
        >
          <path
            d="M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700l1-1"
            strokeLinecap="round"
          />
        </svg>
      </ToolbarButton>
      <ToolbarButton label="Copy as curl" onClick={() => copy('curl command', curl)}>
        <svg
          className="graphiql-toolbar-icon"
          viewBox="0 0 24 24"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.5"
          aria-hidden="true"
        >
          <path d="M4 5h16v14H4zM7 10l3 2.500-3 2.500M12 15h4" strokeLinecap="round" strokeLinejoin="round" />
        </svg>
      </ToolbarButton>
      <p className="carried" role="status">
        {said}
      </p>
    </>
  );
}

/** Below the answer: its status, time and size. */
export function AnswerFoot() {
  const { answer, operation, log } = useActivity();
  const size = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
  const facts =
    answer !== null
      ? [`HTTP ${answer.status}`, `${answer.ms} ms`, answer.bytes < 1_000 ? `${answer.bytes} bytes` : `${size.format(answer.bytes / 1_000)} kB`] // prettier-ignore
      : operation !== null
        ? ['WebSocket', `${log.filter(({ event }) => event !== undefined).length} events`]
        : [];
  return (
    <p className="answer-facts" role="status">
      {facts.join(' · ')}
    </p>
  );
}
