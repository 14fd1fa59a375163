import './workers.ts';
import 'graphiql/style.css';
import './graphiql.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { show } from '../frame.tsx';
import { firstTabs } from './examples.ts';
import { fetcher } from './fetcher.ts';
import { startHere } from './start-here.tsx';

show(
  <GraphiQL
    fetcher={fetcher}
    plugins={[HISTORY_PLUGIN, startHere]}
    visiblePlugin={startHere}
    defaultTabs={firstTabs.map(({ query, variables }) => ({ query, variables }))}
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
