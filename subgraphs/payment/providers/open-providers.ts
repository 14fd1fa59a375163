import type { PaymentConfig } from '../config.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import type { PaymentMethod } from '../records.ts';
import { alipayProvider } from './alipay.ts';
import { bankTransferProvider } from './bank-transfer.ts';
import type { PaymentProvider } from './provider.ts';
import { simulatedProvider } from './simulated.ts';
import { stripeProvider } from './stripe.ts';
import { watched } from './watched.ts';

/** The providers that are configured, by the method that each serves. `publicUrl` is where browsers find the platform. */
export function openProviders(
  config: PaymentConfig,
  options: { publicUrl: string; log: Logger },
): ReadonlyMap<PaymentMethod, PaymentProvider> {
  const { log } = options;
  const providers = new Map<PaymentMethod, PaymentProvider>();
  if (config.stripe)
    providers.set('STRIPE', watched(stripeProvider(config.stripe), { setting: 'STRIPE_API_BASE', log }));
  if (config.alipay)
    providers.set('ALIPAY', watched(alipayProvider(config.alipay, options), { setting: 'ALIPAY_GATEWAY_URL', log }));
  if (config.bankTransfer) providers.set('BANK_TRANSFER', bankTransferProvider(config.bankTransfer));
  if (config.simulated)
    providers.set(
      'SIMULATED_CARD',
      watched(simulatedProvider(config.simulated, options), { setting: 'SIMULATED_PROVIDER_URL', log }),
    );
  return providers;
}
