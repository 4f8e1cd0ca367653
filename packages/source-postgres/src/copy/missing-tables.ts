import { formatLsn, type TableBinding } from '@weir/pgoutput';
import {
  WeirError,
  crashPoint,
  emptyBatch,
  packVersion,
  type Batch,
  type Checkpoint,
  type Commit,
  type ConnectorContext,
  type SchemaChange,
  type TableProgress,
} from '@weir/sdk';
import type pg from 'pg';
import type { CatalogTable } from '../capture/catalog.ts';
import { checkPublications } from '../capture/publication.ts';
import type { PostgresConfig } from '../config.ts';
import { chunkPosition, stateJson, unreadChunks } from '../position.ts';
import { shapedTable, type CapturedTable } from '../shape/captured-table.ts';
import type { CapturedTables } from '../shape/captured-tables.ts';
import type { Catalog } from '../shape/catalog-view.ts';
import { checkMembers, publishTables } from '../shape/open-tables.ts';
import type { TableReplacement } from '../shape/table-replacement.ts';
import { tableOf, type CatalogShape } from '../shape/table-shape.ts';
import type { SharedConnection } from '../shared-connection.ts';
import { beginCopies, planCopies } from './begin-copy.ts';
import { Snapshot, type CopiedBatch } from './exported-snapshot.ts';

/** Tables may change while a copy begins; it is tried so often before the attempt is given up. */
const COPY_TRIES = 3;

export interface MissingTablesOptions {
  readonly config: PostgresConfig;
  readonly context: ConnectorContext;
  readonly control: SharedConnection;
  readonly catalog: Catalog;
  readonly tables: CapturedTables;
  readonly replacement: TableReplacement;
  /** Tables that are to be copied. */
  readonly missing: readonly CatalogTable[];
}

/** Tables whose copy has not begun: between two streams it begins, or is made. */
export class MissingTables implements AsyncDisposable {
  readonly #options: MissingTablesOptions;
  #missing: readonly CatalogTable[];
  #boundary = 0n;
  #snapshot: Snapshot | null = null;

  constructor(options: MissingTablesOptions) {
    this.#options = options;
    this.#missing = options.missing;
  }

  get areThere(): boolean {
    return this.#missing.length > 0;
  }

  /** Of those that are copied in one snapshot, while they are. */
  get progress(): readonly TableProgress[] {
    return this.#snapshot?.progress ?? [];
  }

  /**
   * The tables that are to be copied now, in publications that have them.
   * @throws WeirError WEIR_PG_PUBLICATION_MISSING, WEIR_PG_PUBLICATION_CHANGED where somebody else has made a gap (invariant 6)
   */
  async find(): Promise<void> {
    const { control, catalog, tables, replacement } = this.#options;
    this.#missing = await control.use(async (client) => {
      const { content } = await catalog.lookWith(client);
      await checkPublications(client, tables.state);
      checkMembers(tables, content);
      return await publishTables(client, tables, catalog, content.capture, replacement);
    });
  }

  /**
   * Tables that are copied by key start empty here; the stream goes by when they are read. Others are copied now.
   * @param boundary where the stream stands
   */
  async *begin(boundary: bigint, signal: AbortSignal): AsyncGenerator<Batch> {
    const { tables, control } = this.#options;
    this.#boundary = boundary;
    const copies = tables.surroundings.copies + 1;
    tables.surroundings = { ...tables.surroundings, copies };
    let sequence = 0;
    const checkpoint = (): Checkpoint => ({
      position: chunkPosition(tables.surroundings.epoch, this.#boundary, copies, ++sequence),
      state: stateJson(tables.state),
    });
    const plan = await this.#unlessRewritten(async () => await control.use(async (client) => await this.#beginByKey(client)));
    if (plan.byKey.length > 0) yield emptyBatch(checkpoint(), plan.byKey.map(creation));
    this.#missing = plan.inSnapshot;
    if (this.#missing.length > 0) yield* this.#copyInSnapshot(checkpoint, signal);
  }

  /** Marks the tables that are copied by key as begun, or as done where nothing is to be copied. */
  async #beginByKey(client: pg.Client): Promise<{ byKey: CapturedTable[]; inSnapshot: readonly CatalogTable[] }> {
    const { tables, config, context } = this.#options;
    const isNever = config.snapshot.mode === 'never';
    const plan = isNever ? { byKey: this.#missing, inSnapshot: [] } : await planCopies(client, this.#missing);
    if (plan.byKey.length === 0) return { byKey: [], inSnapshot: plan.inSnapshot };
    const { shapes, at } = await beginCopies(client, plan.byKey);
    const byKey = plan.byKey.map((table) => {
      const chunks = { ...unreadChunks, done: isNever };
      return { ...this.#copiedTable(table, shapes.get(table.oid)!, at), chunks };
    });
    for (const table of byKey) tables.put(table);
    context.log.info({ pipeline: context.pipeline, tables: byKey.length }, isNever ? 'streaming tables' : 'copying tables by key');
    return { byKey, inSnapshot: plan.inSnapshot };
  }

  /** Copies the missing tables in one snapshot. A table counts as copied from the checkpoint of its last batch on. */
  async *#copyInSnapshot(checkpoint: () => Checkpoint, signal: AbortSignal): AsyncGenerator<Batch> {
    const { context, tables } = this.#options;
    const snapshot = await this.#beginSnapshot(signal);
    if (snapshot === null) return;
    this.#snapshot = snapshot;
    try {
      const { shapes, consistentPoint: at } = snapshot;
      const copied = new Map(this.#missing.map((table) => [table.oid, this.#copiedTable(table, shapes.get(table.oid)!, at)]));
      const consistentPoint = formatLsn(snapshot.consistentPoint);
      context.log.info({ pipeline: context.pipeline, tables: copied.size, consistentPoint }, 'copying tables');
      yield emptyBatch(checkpoint(), Array.from(copied.values(), creation));
      const bindings = new Map<number, TableBinding>(Array.from(copied, ([oid, { shaped }]) => [oid, shaped!.binding]));
      for await (const chunk of snapshot.batches(bindings, signal)) {
        const table = copied.get(chunk.table.oid)!;
        if (chunk.tableDone) tables.put(table);
        const batch = this.#chunk(chunk, table, checkpoint());
        crashPoint('source.chunk-read');
        yield batch;
      }
      this.#missing = [];
    } finally {
      await snapshot[Symbol.asyncDispose]();
      this.#snapshot = null;
    }
  }

  /** Null when tables went meanwhile, and none is left. */
  async #beginSnapshot(signal: AbortSignal): Promise<Snapshot | null> {
    const { config, tables } = this.#options;
    const { name } = tables.surroundings.publication;
    const begin = async (): Promise<Snapshot> => await Snapshot.begin(config, this.#missing, name, signal);
    return await this.#unlessRewritten(async () => (this.areThere ? await begin() : null));
  }

  /** Looks again what is to be copied, and begins once more, when a table changed under our hands. */
  async #unlessRewritten<T>(begin: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await begin();
      } catch (error) {
        if (attempt === COPY_TRIES || !(error instanceof WeirError) || error.code !== 'WEIR_PG_TABLE_REWRITTEN') throw error;
        await this.find();
      }
    }
  }

  /** A table as it is in its copy. */
  #copiedTable(table: CatalogTable, shape: CatalogShape, copiedAt: bigint): CapturedTable {
    const { tables, catalog } = this.#options;
    const { namespace, name, oid } = table;
    const { reason } = tables.named(table)!;
    const shaped = shapedTable(tableOf(table, shape, tables.types, tables.nextVersion(table)), shape, tables.types);
    const member = catalog.last!.content.members.get(oid) ?? 0;
    return { namespace, name, oid, member, reason, copiedAt, chunks: null, shaped };
  }

  #chunk(copied: CopiedBatch, { shaped }: CapturedTable, checkpoint: Checkpoint): Batch {
    const version = packVersion(this.#options.tables.surroundings.epoch, this.#boundary);
    const commit: Commit = { position: checkpoint.position, version, time: 0, transactionId: '' };
    const { batch } = copied;
    const tables = batch.tables.length > 0 ? batch.tables : [shaped!.table];
    const chunk = { table: 0, range: null, last: copied.tableDone };
    return { ...batch, tables, commits: [commit], chunk, checkpoint, release: () => batch.release() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#snapshot?.[Symbol.asyncDispose]();
  }
}

/** A table starts empty. */
function creation({ shaped, reason }: CapturedTable): SchemaChange {
  return { table: shaped!.table, change: 'create', reason };
}
