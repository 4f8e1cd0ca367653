import type { Column, Commit, Table } from '@weir/sdk';
import type { TableBinding } from '../binding.ts';
import type { BinlogHost, HeardStatement } from '../host.ts';
import type { LogFormat } from '../log-format.ts';
import type { LogPosition } from '../log-position.ts';
import { formatMysqlGtid } from '../gtid.ts';
import { formatMariadbGtid, type MariadbGtidPosition } from '../mariadb-gtid.ts';
import type { MysqlGtidSet } from '../mysql-gtid-set.ts';
import type { Payload } from '../payload.ts';
import type { TableMap } from '../table-map.ts';
import type { Gtid, TransactionBegin, TransactionEnd } from '../transaction.ts';
import { valueWidth } from '../value-width.ts';
import { DoubledCell, PlainCell } from './test-cells.ts';

/** What the host of a test does with the rows of one table; all of them, as plain cells, by default. */
export interface Treatment {
  readonly leftOut?: boolean;
  readonly skip?: boolean;
  /** Of each column: `null` is not captured. */
  readonly cells?: readonly ('plain' | 'doubled' | null)[];
  /** Bound only when the session is told. */
  readonly later?: boolean;
}

export function gtidText(gtid: Gtid | null): string {
  if (gtid === null) return 'none';
  return 'uuid' in gtid ? formatMysqlGtid(gtid) : formatMariadbGtid(gtid);
}

/** A binding of a table; its key are the captured columns of the announced one, the first captured one where none is announced. */
export function bindingOf(map: TableMap, treatment: Treatment, version: number): TableBinding {
  const cells = treatment.cells ?? map.columns.map(() => 'plain' as const);
  const captured = map.columns.flatMap((_, column) => (cells[column] === null ? [] : [column]));
  const columns = captured.map(
    (column): Column => ({ name: map.columns[column]!.name ?? `c${column}`, type: { kind: 'string' }, nullable: true, sourceType: 'text' }),
  );
  const key = (map.primaryKey ?? []).map(({ column }) => captured.indexOf(column)).filter((column) => column >= 0);
  const table: Table = { namespace: map.database, name: map.name, version, columns, key };
  const decoders = map.columns.map(({ type, meta }, column) => {
    const width = valueWidth(type, meta);
    return cells[column] === null ? null : cells[column] === 'doubled' ? new DoubledCell(width) : new PlainCell(width);
  });
  return { table, decoders, skip: treatment.skip ?? false };
}

/** Binds every table as it is told and records what it is called with. */
export class RecordingHost implements BinlogHost {
  readonly maps: TableMap[] = [];
  readonly begins: TransactionBegin[] = [];
  readonly ends: TransactionEnd[] = [];
  readonly statements: HeardStatement[] = [];
  readonly payloads: Payload[] = [];
  readonly rotations: LogPosition[] = [];
  readonly formats: LogFormat[] = [];
  readonly previous: string[] = [];
  readonly heartbeats: LogPosition[] = [];
  /** By table name. */
  readonly bindings = new Map<string, TableBinding>();
  readonly treatments = new Map<string, Treatment>();
  /** GTIDs, as text, of transactions that were delivered before. */
  readonly delivered = new Set<string>();
  onCommit: () => void = () => {};
  onStatement: (statement: HeardStatement) => void = () => {};

  tableMap(map: TableMap): TableBinding | null | 'later' {
    this.maps.push(map);
    return this.treatments.get(map.name)?.later === true ? 'later' : this.bindingFor(map);
  }

  bindingFor(map: TableMap): TableBinding | null {
    const treatment = this.treatments.get(map.name) ?? {};
    if (treatment.leftOut === true) return null;
    const binding = bindingOf(map, treatment, this.maps.length);
    this.bindings.set(map.name, binding);
    return binding;
  }

  begin(begin: TransactionBegin): Commit | null {
    this.begins.push(begin);
    const name = gtidText(begin.gtid);
    if (this.delivered.has(name)) return null;
    return { position: `${begin.start.file}:${begin.start.offset}`, version: BigInt(this.begins.length), time: begin.time, transactionId: name };
  }

  statement(statement: HeardStatement): void {
    this.statements.push(statement);
    this.onStatement(statement);
  }

  commit(end: TransactionEnd): void {
    this.ends.push(end);
    this.onCommit();
  }

  payload(payload: Payload): void {
    this.payloads.push(payload);
  }

  rotate(position: LogPosition): void {
    this.rotations.push(position);
  }

  format(format: LogFormat): void {
    this.formats.push(format);
  }

  previousGtids(gtids: MysqlGtidSet | MariadbGtidPosition): void {
    this.previous.push(gtids.format());
  }

  heartbeat(position: LogPosition): void {
    this.heartbeats.push(position);
  }
}
