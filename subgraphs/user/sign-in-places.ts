/**
 * Where somebody signs in from. A device says the token that it was given when it signed in; the address is what the gateway
 * saw. Both are kept as SHA-256 with the account's id, only to tell known from unknown. What the device calls itself is shown
 * with its session, and proves nothing.
 */
export type Places = {
  readonly address: string | undefined;
  readonly deviceToken: string | null;
  readonly client: string | null;
};

/** As we make them; a client that shows something else is given one. */
const deviceTokenForm = /^[\w-]{22}$/;

/** As long as sessions keep it. */
const maxClientLength = 200;

/** The places of a request: its address, and its device's token where it shows one of ours. */
export const placesOf = (
  { clientAddress, clientAgent }: { clientAddress?: string | undefined; clientAgent?: string | undefined },
  deviceToken: string | null | undefined,
): Places => ({
  address: clientAddress,
  deviceToken: deviceToken && deviceTokenForm.test(deviceToken) ? deviceToken : null,
  client: clientAgent?.slice(0, maxClientLength) ?? null,
});
