import './workers.ts';
import 'graphiql/style.css';
import './graphiql.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { show } from '../ui/show.tsx';
import { eventLog } from './event-log.tsx';
import { firstTabs } from './examples.ts';
import { fetcher } from './fetcher.ts';
import { sharedIn } from './share.ts';
import { startHere } from './start-here.tsx';
import { AnswerFoot, CarryButtons } from './toolbar.tsx';

/**
 * What a link brings comes first, beside the tabs of an earlier visit, which come before the examples. GraphiQL fills the
 * first tab from `initialQuery`, and the others from `defaultTabs`.
 */
const shared = sharedIn(location.search);
const first = shared ?? (localStorage.getItem('graphiql:tabState') === null ? firstTabs[0] : undefined);
const tabs = [...(shared === null ? [] : [shared]), ...firstTabs];
const wide = matchMedia('(min-width: 800px)').matches;

show(
  <GraphiQL
    fetcher={fetcher}
    plugins={[HISTORY_PLUGIN, startHere, eventLog]}
    {...(wide ? { visiblePlugin: startHere } : {})}
    defaultTabs={tabs.map(({ query, variables }) => ({ query, variables }))}
    {...(first ? { initialQuery: first.query, initialVariables: first.variables } : {})}
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <a className="home" href="/">
        Order platform
      </a>
      <a className="home docs" href="/docs/api">
        Docs
      </a>
    </GraphiQL.Logo>
    <GraphiQL.Toolbar>
      {({ prettify, merge, copy }) => (
        <>
          {prettify}
          {merge}
          {copy}
          <CarryButtons />
        </>
      )}
    </GraphiQL.Toolbar>
    <GraphiQL.Footer>
      <AnswerFoot />
    </GraphiQL.Footer>
  </GraphiQL>,
);
