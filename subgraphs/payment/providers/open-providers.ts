import type { PaymentConfig } from '../config.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import type { Tracing } from '../../shared/tracing/tracing.ts';
import type { PaymentMethod } from '../records.ts';
import { bankTransferProvider } from './bank-transfer.ts';
import type { PaymentProvider } from './provider.ts';
import { simulatedProvider } from './simulated.ts';
import { watched } from './watched.ts';

/** The providers that are configured, by the method that each serves; the software of the others is not loaded. `publicUrl` is where browsers find the platform. */
export async function openProviders(
  config: PaymentConfig,
  options: { publicUrl: string; log: Logger; tracing?: Tracing | undefined },
): Promise<ReadonlyMap<PaymentMethod, PaymentProvider>> {
  const { log, tracing } = options;
  const providers = new Map<PaymentMethod, PaymentProvider>();
  if (config.stripe) {
    const { stripeProvider } = await import('./stripe.ts');
    providers.set('STRIPE', watched(stripeProvider(config.stripe), { setting: 'STRIPE_API_BASE', log, tracing }));
  }
  if (config.alipay) {
    const { alipayProvider } = await import('./alipay.ts');
    providers.set(
      'ALIPAY',
      watched(alipayProvider(config.alipay, options), { setting: 'ALIPAY_GATEWAY_URL', log, tracing }),
    );
  }
  if (config.wechatPay) {
    const { wechatPayProvider } = await import('./wechat-pay.ts');
    providers.set('WECHAT_PAY', watched(wechatPayProvider(config.wechatPay, options), { setting: 'WX_PAY_API_BASE', log })); // prettier-ignore
  }
  if (config.bankTransfer) providers.set('BANK_TRANSFER', bankTransferProvider(config.bankTransfer));
  if (config.simulated)
    providers.set(
      'SIMULATED_CARD',
      watched(simulatedProvider(config.simulated, options), { setting: 'SIMULATED_PROVIDER_URL', log, tracing }),
    );
  return providers;
}
