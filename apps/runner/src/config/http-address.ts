import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import type { HttpAddress } from './config.ts';

const MAX_PORT = 65_535;
const EXPECTED = 'expected HOST:PORT on loopback such as 127.0.0.1:9464, a port, or false';

/** The value of `http`: an address on loopback, a port of 127.0.0.1, or false for no HTTP. */
export const httpAddress: z.ZodType<HttpAddress | null, string | number | boolean> = z
  .union([z.literal(false), z.int().min(0).max(MAX_PORT), z.string()], { error: EXPECTED })
  .transform((value, context): HttpAddress | null => {
    if (value === false) return null;
    if (typeof value === 'number') return { host: '127.0.0.1', port: value };
    const address = parseAddress(value);
    if (address !== null && isLoopback(address.host)) return address;
    const message =
      address === null ? EXPECTED : `${address.host} is not a loopback address; this version serves HTTP on loopback only`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

function parseAddress(text: string): HttpAddress | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > MAX_PORT) return null;
  return { host: match[1] ?? match[2]!, port: Number(match[3]) };
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  return isIPv6(host) ? host === '::1' : host === 'localhost';
}

/** `http://127.0.0.1:9464` */
export function httpUrl(address: HttpAddress): string {
  return `http://${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`;
}
