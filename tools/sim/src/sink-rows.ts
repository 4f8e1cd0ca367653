import { historyTable, type SinkOptions, type Table } from '@weir/sdk';
import { foldHistory, type Cells, type MemoryTarget } from '@weir/testkit/memory';
import type { SimMode } from './scenarios.ts';
import { Violation } from './violation.ts';

/** What a sink has of a table now. */
export type SinkRows = (table: Table) => Cells[];

/** How a sink that keeps a history is set. */
export const appends: Partial<SinkOptions> = { mode: 'append' };

/** What the engine is told of sinks, by name. */
export function optionsOf(sinks: Readonly<Record<string, SimMode>>): Map<string, Partial<SinkOptions>> {
  return new Map(Object.entries(sinks).map(([name, mode]) => [name, mode === 'history' ? appends : {}]));
}

/** The rows of a mirror, or those that a history leads to. @throws Violation when it leads nowhere */
export function sinkRows(name: string, target: MemoryTarget, mode: SimMode): SinkRows {
  if (mode !== 'history') return (table) => target.rows(table);
  return (table) => {
    try {
      return foldHistory(table, target.rows(historyTable(table)));
    } catch (error) {
      throw new Violation(4, 'a history has gaps or doubles', `${name}, ${table.name}: ${(error as Error).message}`);
    }
  };
}
