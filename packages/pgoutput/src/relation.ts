import type { MessageReader } from './message-reader.ts';

export interface RelationColumn {
  readonly name: string;
  /** `pg_type.oid` of the column's type. */
  readonly typeOid: number;
  /** `pg_attribute.atttypmod`; -1 when the type has none. */
  readonly typeModifier: number;
  /** Part of the replica identity; every column is when the identity is FULL. */
  readonly isKey: boolean;
}

/** A table as the stream announces it: once in a session before its first row, and again after it changed. */
export interface Relation {
  /** `pg_class.oid`; the root's for a partitioned table that is published by its root. */
  readonly oid: number;
  readonly namespace: string;
  readonly name: string;
  /** `pg_class.relreplident`: default (primary key), nothing, full, index. */
  readonly replicaIdentity: 'd' | 'n' | 'f' | 'i';
  /** The published columns, in the order of the cells. */
  readonly columns: readonly RelationColumn[];
}

/** Flags, an empty name's zero byte, type oid and modifier. */
const SMALLEST_COLUMN = 10;

/** Reads the body of an R message. */
export function readRelation(reader: MessageReader): Relation {
  const oid = reader.uint32();
  // The server sends pg_catalog as an empty string.
  const namespace = reader.string() || 'pg_catalog';
  const name = reader.string();
  const replicaIdentity = readReplicaIdentity(reader);
  const count = reader.uint16();
  if (count * SMALLEST_COLUMN > reader.left) throw reader.damaged('more columns than the message has room for');
  const columns: RelationColumn[] = [];
  for (let column = 0; column < count; column++) columns.push(readColumn(reader));
  reader.close();
  return { oid, namespace, name, replicaIdentity, columns };
}

function readReplicaIdentity(reader: MessageReader): Relation['replicaIdentity'] {
  const setting = String.fromCharCode(reader.uint8());
  if (setting === 'd' || setting === 'n' || setting === 'f' || setting === 'i') return setting;
  throw reader.damagedBefore(1, 'no replica identity has this letter');
}

function readColumn(reader: MessageReader): RelationColumn {
  const flags = reader.uint8();
  if (flags > 1) throw reader.damagedBefore(1, 'a column has unknown flags');
  const name = reader.string();
  return { name, typeOid: reader.uint32(), typeModifier: reader.int32(), isKey: flags === 1 };
}
