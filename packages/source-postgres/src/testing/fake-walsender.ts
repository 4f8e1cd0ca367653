import {
  encodeBegin,
  encodeBeginPrepare,
  encodeCommit,
  encodeInsert,
  encodeMessage,
  encodeRelation,
  encodeStreamAbort,
  encodeStreamCommit,
  encodeStreamStart,
  encodeStreamStop,
  encodeStreamed,
} from '@weir/pgoutput/encoder';
import type { Wire } from '@weir/postgres';
import type { WeirError } from '@weir/sdk';

const relation = {
  oid: 1,
  namespace: 'public',
  name: 'items',
  replicaIdentity: 'd',
  columns: [{ name: 'id', typeOid: 23, typeModifier: -1, isKey: true }],
} as const;

function relationWith(more: readonly string[]): Uint8Array {
  const columns = more.map((name) => ({ name, typeOid: 25, typeModifier: -1, isKey: false }));
  return encodeRelation({ ...relation, columns: [...relation.columns, ...columns] });
}

/** What the source told the server: a standby status update. */
export interface Status {
  readonly written: bigint;
  readonly flushed: bigint;
  readonly applied: bigint;
  readonly asksReply: boolean;
}

/** A server's side of the replication protocol in memory, in the place of a connection. */
export class FakeWalsender implements Pick<
  Wire,
  typeof Symbol.asyncDispose | 'abandon' | 'query' | 'copyData' | 'pause' | 'resume' | 'onData' | 'onFailure' | 'failure'
> {
  failure: WeirError | null = null;
  onData: (chunk: Buffer) => void = () => {};
  onFailure: (error: WeirError) => void = () => {};
  readonly queries: string[] = [];
  readonly statuses: Status[] = [];
  paused = false;
  disposed = false;
  #gathered: Uint8Array[] | null = null;

  get wire(): Wire {
    return this as unknown as Wire;
  }

  query(sql: string): void {
    this.queries.push(sql);
  }

  copyData(payload: Buffer): void {
    const lsn = (at: number): bigint => payload.readBigUInt64BE(at);
    this.statuses.push({ written: lsn(1), flushed: lsn(9), applied: lsn(17), asksReply: payload[33] === 1 });
  }

  abandon(): void {
    this.disposed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    await Promise.resolve();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** Sends one message of the connection. */
  send(type: string, body: Uint8Array): void {
    const bytes = Buffer.alloc(5 + body.length);
    bytes[0] = type.charCodeAt(0);
    bytes.writeInt32BE(4 + body.length, 1);
    bytes.set(body, 5);
    if (this.#gathered === null) this.onData(bytes);
    else this.#gathered.push(bytes);
  }

  /** What `work` sends arrives in one chunk. */
  together(work: () => void): void {
    this.#gathered = [];
    work();
    const bytes = Buffer.concat(this.#gathered);
    this.#gathered = null;
    this.onData(bytes);
  }

  changes(...messages: Uint8Array[]): void {
    for (const message of messages) this.send('d', Buffer.concat([Buffer.from('w'), Buffer.alloc(24), message]));
  }

  keepalive(endLsn: bigint, asksReply = false): void {
    const body = Buffer.alloc(18);
    body[0] = 0x6b; // k
    body.writeBigUInt64BE(endLsn, 1);
    body[17] = asksReply ? 1 : 0;
    this.send('d', body);
  }

  begin(commitLsn: bigint): void {
    this.changes(encodeBegin({ commitLsn, time: 0, transactionId: 7 }), encodeRelation(relation));
  }

  insert(id: string | Uint8Array): void {
    this.row(id);
  }

  /** A row of a table that was announced with more columns. */
  row(...cells: (string | Uint8Array)[]): void {
    this.changes(encodeInsert(relation.oid, cells));
  }

  commit(commitLsn: bigint): void {
    this.changes(encodeCommit({ commitLsn, endLsn: commitLsn + 8n, time: 0 }));
  }

  transaction(commitLsn: bigint, ...ids: string[]): void {
    this.begin(commitLsn);
    for (const id of ids) this.insert(id);
    this.commit(commitLsn);
  }

  /** Announces the table again, with columns of these names behind its key. */
  announce(...more: string[]): void {
    this.changes(relationWith(more));
  }

  /** A block of a streamed transaction; each row is the id of a subtransaction and a key. The first block announces the table. */
  block(transactionId: number, first: boolean, ...rows: readonly (readonly [subtransaction: number, id: string])[]): void {
    this.openBlock(transactionId, first);
    for (const [subtransaction, id] of rows) this.streamRow(subtransaction, id);
    this.closeBlock();
  }

  openBlock(transactionId: number, first: boolean): void {
    this.changes(encodeStreamStart({ transactionId, first }));
    if (first) this.changes(encodeStreamed(transactionId, encodeRelation(relation)));
  }

  closeBlock(): void {
    this.changes(encodeStreamStop());
  }

  /** A logical message inside the open block; the server sends it under the id of the transaction in any case. */
  streamMessage(transactionId: number): void {
    this.changes(encodeStreamed(transactionId, encodeMessage(true, 0n, 'prefix', new Uint8Array(1))));
  }

  /** Announces the table inside the open block, with columns of these names behind its key. */
  streamAnnounce(transactionId: number, ...more: string[]): void {
    this.changes(encodeStreamed(transactionId, relationWith(more)));
  }

  /** A row inside the open block. */
  streamRow(subtransactionId: number, ...cells: (string | Uint8Array)[]): void {
    this.changes(encodeStreamed(subtransactionId, encodeInsert(relation.oid, cells)));
  }

  streamCommit(transactionId: number, commitLsn: bigint): void {
    this.changes(encodeStreamCommit({ transactionId, commitLsn, endLsn: commitLsn + 8n, time: 0 }));
  }

  streamAbort(transactionId: number, subtransactionId: number = transactionId): void {
    this.changes(encodeStreamAbort({ transactionId, subtransactionId, lsn: null, time: null }));
  }

  beginPrepare(transactionId: number): void {
    this.changes(encodeBeginPrepare({ prepareLsn: 2000n, endLsn: 2008n, time: 0, transactionId, gid: 'name' }));
  }

  /** An ErrorResponse with a DETAIL that holds a row's values. */
  error(code: string, message: string): void {
    this.send('E', Buffer.from(`SFATAL\0C${code}\0M${message}\0DKey (email)=(a@b.example) exists.\0\0`));
  }
}
