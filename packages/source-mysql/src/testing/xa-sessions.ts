import { setTimeout as sleep } from 'node:timers/promises';
import type { MysqlEnvironment } from './mysql-environment.ts';

/** How long a server may take to hand a prepared transaction over, when the session of its PREPARE has gone. */
const PATIENCE_MS = 20_000;

/** As the log names it. */
export function xidText({ name: database }: MysqlEnvironment, name: string): string {
  return `X'${Buffer.from(`${database}${name}`).toString('hex')}',X'',1`;
}

/** Up to XA END. @param name unique within the database */
export function xaStatements({ name: database }: MysqlEnvironment, name: string, statements: readonly string[]): string[] {
  return [`XA START '${database}${name}'`, ...statements, `XA END '${database}${name}'`];
}

/** Prepares a transaction in a session that ends then. */
export async function prepareXa(environment: MysqlEnvironment, name: string, ...statements: string[]): Promise<void> {
  await environment.sql(...xaStatements(environment, name, statements), `XA PREPARE '${environment.name}${name}'`);
}

/** Ends a prepared transaction out of another session. */
export async function endXa(environment: MysqlEnvironment, name: string, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await environment.sql(`XA ${how} '${environment.name}${name}'`);
      return;
    } catch (error) {
      // The session that prepared it is not quite gone.
      if (performance.now() > until) throw error;
      await sleep(10);
    }
  }
}
