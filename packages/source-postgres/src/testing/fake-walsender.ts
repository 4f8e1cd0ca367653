import { encodeBegin, encodeCommit, encodeInsert, encodeRelation } from '@weir/pgoutput/encoder';
import type { Wire } from '@weir/postgres';
import type { WeirError } from '@weir/sdk';

const relation = {
  oid: 1,
  namespace: 'public',
  name: 'items',
  replicaIdentity: 'd',
  columns: [{ name: 'id', typeOid: 23, typeModifier: -1, isKey: true }],
} as const;

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
  'query' | 'copyData' | 'pause' | 'resume' | 'onData' | 'onFailure' | 'failure'
> {
  failure: WeirError | null = null;
  onData: (chunk: Buffer) => void = () => {};
  onFailure: (error: WeirError) => void = () => {};
  readonly queries: string[] = [];
  readonly statuses: Status[] = [];
  paused = false;

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
    this.changes(encodeInsert(relation.oid, [id]));
  }

  commit(commitLsn: bigint): void {
    this.changes(encodeCommit({ commitLsn, endLsn: commitLsn + 8n, time: 0 }));
  }

  transaction(commitLsn: bigint, ...ids: string[]): void {
    this.begin(commitLsn);
    for (const id of ids) this.insert(id);
    this.commit(commitLsn);
  }

  /** An ErrorResponse with a DETAIL that holds a row's values. */
  error(code: string, message: string): void {
    this.send('E', Buffer.from(`SFATAL\0C${code}\0M${message}\0DKey (email)=(a@b.example) exists.\0\0`));
  }
}
