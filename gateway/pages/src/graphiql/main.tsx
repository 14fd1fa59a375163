import './workers.ts';
import 'graphiql/style.css';
import './graphiql.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { show } from '../ui/show.tsx';
import { firstTabs } from './examples.ts';
import { fetcher } from './fetcher.ts';
import { startHere } from './start-here.tsx';

/** GraphiQL fills the first tab from these and not from `defaultTabs`; tabs of an earlier visit come before both. */
const first = localStorage.getItem('graphiql:tabState') === null ? firstTabs[0] : undefined;
const wide = matchMedia('(min-width: 800px)').matches;

show(
  <GraphiQL
    fetcher={fetcher}
    plugins={[HISTORY_PLUGIN, startHere]}
    {...(wide ? { visiblePlugin: startHere } : {})}
    defaultTabs={firstTabs.map(({ query, variables }) => ({ query, variables }))}
    {...(first ? { initialQuery: first.query, initialVariables: first.variables } : {})}
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <a className="home" href="/">
        Order platform
      </a>
    </GraphiQL.Logo>
  </GraphiQL>,
);
