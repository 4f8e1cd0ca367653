import type { LogicalType } from '@weir/sdk';
import type { SinkDriver } from '@weir/testkit';
import { TestDatabases } from './test-databases.ts';

/** What the contract needs of a server: databases of their own for each case. */
export function mysqlDriver(server: { readonly url: string }, flavour: 'mysql' | 'mariadb'): SinkDriver {
  return {
    name: flavour,
    deliveryClass: 'A',
    codes: { tableExists: 'WEIR_MYSQL_TABLE_EXISTS' },
    holds: (type, cell) => holds(type, cell) && !(flavour === 'mariadb' && type.kind === 'float' && cell === '-0'),
    start: async () => {
      const databases = new TestDatabases(server.url);
      return {
        sink: (options) => databases.sink(options),
        [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose](),
      };
    },
  };
}

/** Years of 1000 to 9999, and numbers that are some; the rest is refused, or text, as values.container.test.ts shows. */
function holds(type: LogicalType, cell: string | Uint8Array): boolean {
  const text = String(cell);
  switch (type.kind) {
    case 'float':
      return !/NaN|Infinity/.test(text);
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return /^[1-9]\d{3}-/.test(text);
    default:
      return true;
  }
}
