import type { Column, Commit, Table } from '@weir/sdk';
import type { CellRewrite, TableBinding } from '../binding.ts';
import type { DecoderHost } from '../decoder.ts';
import type { Relation } from '../relation.ts';
import type { Begin, CommitEnd } from '../transaction.ts';

/** Drops the first byte, in place. Done twice it drops two, so a second rewrite of a cell shows. */
export const dropFirstByte: CellRewrite = {
  place: 'slab',
  rewrite(data, start, length) {
    data.copyWithin(start, start + 1, start + length);
    return Math.max(0, length - 1);
  },
};

/** Appends the cell twice, in angle brackets. */
export const doubled: CellRewrite = {
  place: 'spill',
  rewrite(data, start, length, spill) {
    spill.ascii('<');
    spill.bytes(data, start, start + length);
    spill.bytes(data, start, start + length);
    spill.ascii('>');
  },
};

/** What the host of a test does with the rows of one relation; all of them, without rewrites, by default. */
export interface Treatment {
  readonly leftOut?: boolean;
  readonly skip?: boolean;
  readonly rewrites?: readonly (CellRewrite | null)[];
}

export function tableOf(relation: Relation, version: number): Table {
  const columns = relation.columns.map(
    ({ name }): Column => ({ name, type: { kind: 'string' }, nullable: true, sourceType: 'text' }),
  );
  const key = relation.columns.flatMap(({ isKey }, index) => (isKey ? [index] : []));
  return { namespace: relation.namespace, name: relation.name, version, columns, key };
}

/** The commit that the host makes of a transaction: its position is the commit LSN. */
export function commitOf({ commitLsn, time, transactionId }: Begin): Commit {
  return { position: String(commitLsn), version: commitLsn, time, transactionId: String(transactionId) };
}

/** Binds every relation as it is told and records what it is called with. */
export class RecordingHost implements DecoderHost {
  readonly relations: Relation[] = [];
  readonly begins: Begin[] = [];
  readonly commits: CommitEnd[] = [];
  readonly bindings = new Map<number, TableBinding>();
  readonly treatments = new Map<number, Treatment>();
  /** Commit LSNs of transactions that were delivered before. */
  readonly delivered = new Set<bigint>();
  onCommit: () => void = () => {};

  relation(relation: Relation): TableBinding | null {
    this.relations.push(relation);
    const treatment = this.treatments.get(relation.oid) ?? {};
    if (treatment.leftOut === true) return null;
    const rewrites = treatment.rewrites ?? relation.columns.map(() => null);
    const binding = { table: tableOf(relation, this.relations.length), rewrites, skip: treatment.skip ?? false };
    this.bindings.set(relation.oid, binding);
    return binding;
  }

  begin(begin: Begin): Commit | null {
    this.begins.push(begin);
    return this.delivered.has(begin.commitLsn) ? null : commitOf(begin);
  }

  commit(end: CommitEnd): void {
    this.commits.push(end);
    this.onCommit();
  }
}
