import { benchCatalogue } from './catalogue.ts';
import { benchDashboards } from './dashboards.ts';
import { benchExhaustion } from './exhaustion.ts';
import { benchFill } from './fill.ts';
import { benchLists } from './lists.ts';
import { benchFanOut } from './fan-out.ts';
import { benchGatewayAttack } from './gateway/attack.ts';
import { benchGateway } from './gateway/bench.ts';
import { benchGatewayMemory } from './gateway/memory.ts';
import { profileGateway } from './gateway/profile.ts';
import { benchHotProduct } from './hot-product.ts';
import { benchOrderFlow } from './order-flow.ts';
import { benchPages } from './pages.ts';
import { benchPayments } from './payments.ts';
import { benchStart } from './start.ts';

/** `npm run bench -- <scenario>`; add a file beside this one and name it here. */
const scenarios: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  'order-flow': benchOrderFlow,
  pages: benchPages,
  payments: benchPayments,
  'fan-out': benchFanOut,
  'hot-product': benchHotProduct,
  fill: benchFill,
  lists: benchLists,
  start: benchStart,
  catalogue: benchCatalogue,
  dashboards: benchDashboards,
  exhaustion: benchExhaustion,
  gateway: benchGateway,
  'gateway-attack': benchGatewayAttack,
  'gateway-memory': benchGatewayMemory,
  'gateway-profile': profileGateway,
};

const [name = '', ...args] = process.argv.slice(2);
const scenario = scenarios[name];
if (!scenario) {
  console.error(`Which scenario? npm run bench -- ${Object.keys(scenarios).join(' | ')}`);
  process.exit(2);
}
await scenario(args);
