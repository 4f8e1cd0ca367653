import { WeirError, tableName, type Checkpoint, type Position, type Table } from '@weir/sdk';

/** What a checkpoint of the pruning source remembers besides its place. Kept as one object while nothing in it changes. */
export interface PruningState {
  readonly [key: string]: number | { readonly [table: string]: number };
  /** How often a copy was begun. */
  readonly copies: number;
  /** The tables that are copied, by `namespace.name`, and after which transaction each was. */
  readonly copied: { readonly [table: string]: number };
  /** How often everything began anew behind a gap. */
  readonly epoch: number;
}

/** Behind transaction `number`, before the next. Positions order as those of a real log do (invariant 2). */
export function boundaryOf(number: number, epoch = 0): Position {
  return `${epochPart(epoch)}${digits(number)}.0`;
}

/** Where transaction `number` stands: behind the boundary of the one before it, although both name the same place. */
export function commitOf(number: number, epoch = 0): Position {
  return `${epochPart(epoch)}${digits(number - 1)}.1`;
}

/** A chunk of a copy that is made while the stream stands behind transaction `number`. */
export function chunkOf(number: number, copy: number, sequence: number, epoch = 0): Position {
  return `${boundaryOf(number, epoch)}.${digits(copy)}.${digits(sequence)}`;
}

/** The epoch of any position. */
export function epochOf(position: Position): number {
  return Number(/^e(\d{4})\./.exec(position)?.[1] ?? 0);
}

/** The copy that a chunk's position belongs to; 0 of any other position. */
export function copyOf(position: Position): number {
  return Number(/\.0\.(\d{8})\.\d{8}$/.exec(position)?.[1] ?? 0);
}

/** The transaction that a checkpoint's position is behind. @throws WeirError WEIR_PG_CHECKPOINT */
export function transactionOf(position: Position): number {
  const match = /^(?:e\d{4}\.)?(\d{8})\.0(?:\.|$)/.exec(position);
  if (match === null) throw new WeirError('WEIR_PG_CHECKPOINT', `not a checkpoint's position: ${position}`);
  return Number(match[1]);
}

export function stateOf(checkpoint: Checkpoint): PruningState {
  return checkpoint.state as PruningState;
}

/**
 * The transaction whose state a sink has of a table once a checkpoint is durable in it; null while the table is not copied.
 * A table is never behind its copy: changes that the copy holds are left out of the stream.
 */
export function tableIsAt(checkpoint: Checkpoint, table: Table): number | null {
  const copied = stateOf(checkpoint).copied[tableName(table)];
  return copied === undefined ? null : Math.max(copied, transactionOf(checkpoint.position));
}

function digits(number: number): string {
  return String(number).padStart(8, '0');
}

/** Nothing for the first epoch; what there is for others sorts behind all digits. */
function epochPart(epoch: number): string {
  return epoch === 0 ? '' : `e${String(epoch).padStart(4, '0')}.`;
}
