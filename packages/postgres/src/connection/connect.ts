import { WeirError } from '@weir/sdk';
import type pg from 'pg';
import type { ConnectionConfig, SessionAttributes } from './connection-config.ts';
import { hostText } from './connection-error.ts';
import { knownPooler, poolerRefusal } from './known-poolers.ts';
import { openClient } from './open-client.ts';
import { expectAttributes } from './session-attributes.ts';
import { resolveTarget, type Host, type Target } from './target.ts';

/** What a client was connected to; for messages and for who looks at the server's kind. */
export interface ConnectedTo extends Host {
  readonly target: Target;
}

const connectedTo = new WeakMap<pg.Client, ConnectedTo>();

/** Where a client of {@link connect} is connected to. */
export function hostOf(client: pg.Client): ConnectedTo {
  return connectedTo.get(client)!;
}

/**
 * Connects to the first host that answers and is what `target_session_attrs` asks for. As with libpq a host that is out of
 * reach is passed over, and one that refuses user, password or database ends the search: the others would refuse as well.
 *
 * @param signal gives up when it aborts; it has no power over the connection afterwards, see `cutOnAbort`
 * @throws WeirError with what the server or the network answered; the signal's reason
 */
export async function connect(
  config: ConnectionConfig,
  signal: AbortSignal,
  options: { replication?: boolean } = {},
): Promise<pg.Client> {
  signal.throwIfAborted();
  const target = await resolveTarget(config);
  const replication = options.replication === true;
  const failures: WeirError[] = [];
  for (const attributes of passes(target)) {
    for (const host of target.hosts) {
      const pooler = knownPooler(host);
      if (pooler !== null) throw poolerRefusal(host, pooler);
      try {
        const accept = (client: pg.Client): Promise<void> => expectAttributes(client, attributes);
        const client = await openClient(target, host, { signal, replication, accept });
        connectedTo.set(client, { ...host, target });
        return client;
      } catch (error) {
        signal.throwIfAborted();
        const failure = named(error as WeirError, host, target);
        if (target.hosts.length === 1 || ENDS_SEARCH.has(failure.code)) throw failure;
        failures.push(failure);
      }
    }
  }
  throw allFailed(failures);
}

/** Answers that any host would give. */
const ENDS_SEARCH = new Set<string>([
  'WEIR_PG_AUTH',
  'WEIR_PG_DATABASE',
  'WEIR_PG_PASSFILE',
  'WEIR_PG_PASSWORD_COMMAND',
  'WEIR_PG_TLS_FILE',
  'WEIR_PG_GRANT_REPLICATION',
  'WEIR_CONFIG_INVALID',
]);

/** `prefer-standby` goes through the hosts once more when none was a standby. */
function passes({ attributes }: Target): SessionAttributes[] {
  return attributes === 'prefer-standby' ? ['prefer-standby', 'any'] : [attributes];
}

function named(error: WeirError, host: Host, { database, user }: Target): WeirError {
  if (error.code !== 'WEIR_PG_NO_TARGET') return error;
  return new WeirError(error.code, `${hostText(host)}/${database} as ${user}: ${error.message}`, { path: 'url' });
}

/** The code of the last pass's failures when they are of one kind; that a host is another kind than asked for says most. */
function allFailed(failures: readonly WeirError[]): WeirError {
  const codes = new Set(failures.map(({ code }) => code));
  const [only] = codes;
  const another = failures.find(({ code }) => code === 'WEIR_PG_NO_TARGET');
  const code = codes.size === 1 ? only! : (another?.code ?? 'WEIR_PG_CONNECT');
  const messages = [...new Set(failures.map(({ message }) => message.replace(/^cannot connect to /, '')))];
  const { fix, path } = failures.find((failure) => failure.code === code) ?? {};
  return new WeirError(code, `no host is what is asked for: ${messages.join('; ')}`, { fix, path, cause: failures[0] });
}
