import { BinlogDecoder, MysqlGtidSet, type BinlogHost, type LogPosition, type TableBinding, type TableMap, type TransactionEnd } from '@weir/binlog';
import { connect, type ConnectionConfig } from '@weir/mysql';
import { BatchWriter, NO_IMAGE, Op, RowCursor, keyOrder, rangeHolds, systemClock, type Batch, type ImageCursor, type Table } from '@weir/sdk';
import { bindTable } from '../capture/bind-table.ts';
import { readCatalog } from '../capture/catalog.ts';
import { shapeOf, type TableShape } from '../capture/table-shape.ts';
import type { CopyState, Flavour } from '../checkpoint-state.ts';
import { ChunkReader } from '../copy/chunk-reader.ts';
import type { StreamPlace } from '../copy/chunk-snapshot.ts';
import { ChunkedCopy } from '../copy/chunked-copy.ts';
import type { SnapshotOptions } from '../copy/snapshot-connection.ts';
import { commitPosition, commitVersion } from '../position.ts';
import { readServerLog } from '../server-log.ts';
import type { EventStream } from '../stream/event-stream.ts';
import { openStream } from './read-log.ts';

const { signal } = new AbortController();

/** Rows by key, as a sink keeps them: `cell|cell`, bytes in hex. */
export class TableMirror {
  readonly rows = new Map<string, string>();
  readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  take(batch: Batch): void {
    const { range = null } = batch.chunk ?? {};
    const order = keyOrder(this.table);
    if (range !== null) for (const text of this.rows.keys()) if (rangeHolds(range, JSON.parse(text) as string[], order!)) this.rows.delete(text);
    for (const row of new RowCursor(batch)) {
      if (row.table.name !== this.table.name) continue;
      if (row.op === Op.truncate) this.rows.clear();
      if (batch.before[row.row] !== NO_IMAGE) this.rows.delete(JSON.stringify(this.table.key.map((column) => this.#cell(row.before, column))));
      if (batch.after[row.row] === NO_IMAGE) continue;
      const cells = this.table.columns.map((_column, column) => this.#cell(row.after, column));
      this.rows.set(JSON.stringify(this.table.key.map((column) => cells[column])), cells.join('|'));
    }
  }

  #cell(image: ImageCursor, column: number): string | null {
    if (this.table.columns[column]!.type.kind !== 'bytes') return image.text(column);
    return Buffer.from(image.bytes(column)!).toString('hex');
  }
}

/** A stream and a copy beside it, into mirrors, as a session has them. */
export class CopySession implements AsyncDisposable {
  readonly mirrors = new Map<string, TableMirror>();
  readonly states = new Map<string, CopyState | null>();
  readonly copy: ChunkedCopy;
  readonly #shapes: ReadonlyMap<string, TableShape>;
  readonly #database: string;
  readonly #flavour: Flavour;
  readonly #stream: EventStream;
  readonly #writer: BatchWriter;
  readonly #delivered: MysqlGtidSet | null;
  #place: LogPosition;
  #reached: LogPosition;
  #isAtBoundary = true;
  /** Called at each boundary, with what the mirrors have there. */
  onBoundary: () => void = () => {};

  private constructor(parts: {
    readonly shapes: readonly TableShape[];
    readonly database: string;
    readonly options: SnapshotOptions;
    readonly stream: EventStream;
    readonly writer: BatchWriter;
    readonly gtids: MysqlGtidSet | null;
    readonly end: LogPosition;
    readonly chunkRows: number;
    readonly readers: number;
  }) {
    const { shapes, options } = parts;
    this.#shapes = new Map(shapes.map((shape) => [shape.table.name, shape]));
    this.#database = parts.database;
    this.#flavour = options.flavour;
    this.#stream = parts.stream;
    this.#writer = parts.writer;
    this.#delivered = parts.gtids;
    this.#place = parts.end;
    this.#reached = parts.end;
    this.copy = new ChunkedCopy({
      readers: Array.from({ length: parts.readers }, () => new ChunkReader(options)),
      chunkRows: parts.chunkRows,
      clock: systemClock,
      host: {
        copied: (table, state) => {
          this.states.set(table.name, state);
          return { checkpoint: { position: '', state: null }, version: 0n };
        },
      },
    });
    for (const shape of shapes) {
      this.mirrors.set(shape.table.name, new TableMirror(shape.table));
      this.copy.add(shape, { upTo: null, rows: 0 }, 0);
    }
  }

  static async open(config: ConnectionConfig, flavour: Flavour, database: string, chunkRows: number, isLocking = false): Promise<CopySession> {
    const client = await connect(config, signal);
    try {
      const log = await readServerLog(client);
      const shapes = (await readCatalog(client, [`${database}.*`])).map((table) => shapeOf(table, 'null'));
      const writer = new BatchWriter();
      const start = log.gtids ?? log.end;
      const stream = await openStream({ config, flavour, start, database, heartbeatMs: 200 }, writer);
      const options = { config, flavour, server: log.server, zeroDates: 'null', isLocking } as const;
      const gtids = log.gtids instanceof MysqlGtidSet ? log.gtids.clone() : null;
      return new CopySession({ shapes, database, options, stream, writer, gtids, end: log.end, chunkRows, readers: 2 });
    } finally {
      await client.close();
    }
  }

  /** Goes on until all is copied and `isEnough`. */
  async run(isEnough: () => boolean): Promise<void> {
    const decoder = new BinlogDecoder(this.#host());
    this.#atBoundary();
    while (this.copy.isActive || !isEnough()) {
      while (this.#stream.next()) {
        decoder.decode(this.#writer, this.#stream.start, this.#stream.end);
        if (this.#isAtBoundary) this.#atBoundary();
      }
      await Promise.race([this.#stream.more(), this.copy.changed()]);
      if (this.#isAtBoundary) this.#atBoundary();
    }
  }

  get place(): StreamPlace {
    return { end: this.#place, reached: this.#reached, gtids: this.#delivered?.clone() ?? null };
  }

  #atBoundary(): void {
    const batch = this.#stream.close(null);
    for (const mirror of this.mirrors.values()) mirror.take(batch);
    batch.release();
    for (const chunk of this.copy.atBoundary(this.place)) {
      this.mirrors.get(chunk.tables[0]!.name)!.take(chunk);
      chunk.release();
    }
    this.onBoundary();
  }

  #host(): BinlogHost {
    return {
      tableMap: (map: TableMap): TableBinding | null => {
        const shape = map.database === this.#database ? this.#shapes.get(map.name) : undefined;
        if (shape === undefined) return null;
        return { ...bindTable(map, shape, this.#flavour, 'null'), judge: this.copy.judge(shape.table) };
      },
      begin: ({ start, time }) => {
        this.#isAtBoundary = false;
        return { position: commitPosition(0, start), version: commitVersion(0, start), time, transactionId: '' };
      },
      statement: () => {},
      commit: ({ gtid, end }: TransactionEnd) => {
        if (gtid !== null && 'uuid' in gtid) this.#delivered?.add(gtid);
        this.#place = end;
        this.#reached = end;
        this.#isAtBoundary = true;
      },
      payload: () => {
        throw new Error('the log is not compressed');
      },
      heartbeat: (position) => {
        if (this.#isAtBoundary) this.#reached = position;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.copy[Symbol.asyncDispose]();
    await this.#stream[Symbol.asyncDispose]();
  }
}
