import type { ScenarioName } from './scenarios.ts';

/** A change of the text of a file. */
export interface Edit {
  /** From the root of the workspace. */
  readonly file: string;
  /** Occurs exactly once in it. */
  readonly find: string;
  readonly replace: string;
}

/** A broken variant of what runs in a history. It has to be caught, or the simulator is blind. */
export interface Mutant {
  readonly name: string;
  /** What it breaks. */
  readonly about: string;
  /** The invariant that goes with it, see docs/invariants.md; what a history sees first may be another. */
  readonly invariant: number;
  /** Where it is looked for. */
  readonly scenario: ScenarioName;
  /** Seeds, from 1, within which it is caught. */
  readonly within: number;
  readonly edits: readonly Edit[];
}

const ENGINE = 'packages/engine/src';
const SOURCE = 'packages/source-postgres/src';
const SINK = 'packages/testkit/src';

export const mutants: readonly Mutant[] = [
  {
    name: 'checkpoint first',
    about: 'a checkpoint is committed before the rows that it covers are written',
    invariant: 4,
    scenario: 'standard',
    within: 20,
    edits: [
      {
        file: `${ENGINE}/lane.ts`,
        find: 'if (batch !== null) await this.#write(batch);',
        replace: 'if (batch?.checkpoint != null) await this.#commit(batch.checkpoint); if (batch !== null) await this.#write(batch);',
      },
    ],
  },
  {
    name: 'checkpoint kept locally',
    about: 'the checkpoint of the runner is believed, not that of the sink',
    invariant: 4,
    scenario: 'standard',
    within: 100,
    edits: [
      {
        file: `${ENGINE}/commit.ts`,
        find: 'await session.commit(checkpoint);',
        replace: 'await session.commit(checkpoint); await store.saveCheckpoint(shard, { checkpoint, staged: null });',
      },
      {
        file: `${ENGINE}/commit.ts`,
        find: "case 'transactional':\n      return await session.recover();",
        replace: "case 'transactional':\n      await session.recover(); return (await store.loadCheckpoint(shard))?.checkpoint ?? null;",
      },
    ],
  },
  {
    name: 'no fence',
    about: 'a sink takes commits of a writer that was replaced',
    invariant: 5,
    scenario: 'runners',
    within: 200,
    edits: [{ file: `${SINK}/memory-target.ts`, find: 'if (fence !== state.fence)', replace: 'if (fence > state.fence)' }],
  },
  {
    name: 'fence after the checkpoint',
    about: 'a session reads the checkpoint first and takes the fence with its first commit',
    invariant: 5,
    scenario: 'runners',
    within: 200,
    edits: [
      {
        file: `${SINK}/memory-target.ts`,
        find: 'this.#assertFence();\n    this.#target.commit(',
        replace: 'this.late ??= this.#fence = this.#target.takeFence(this.shard, this.options).#fence;\n    this.#assertFence();\n    this.#target.commit(',
      },
    ],
  },
  {
    name: 'confirm on receipt',
    about: 'the source is told to forget what has been read',
    invariant: 1,
    scenario: 'standard',
    within: 20,
    edits: [
      {
        file: `${ENGINE}/attempt.ts`,
        find: 'if (batch.checkpoint !== null) this.#read = batch.checkpoint.position;',
        replace: 'if (batch.checkpoint !== null) await session.confirm(batch.checkpoint);',
      },
    ],
  },
  {
    name: 'confirm of the first sink',
    about: 'the source is told to forget what one of several sinks has',
    invariant: 1,
    scenario: 'sinks',
    within: 20,
    edits: [
      {
        file: `${ENGINE}/attempt.ts`,
        find: 'const all = earliestCheckpoint(this.#committed.values());',
        replace: 'const all = checkpoint;',
      },
    ],
  },
  {
    name: 'keepalive confirmed with work in flight',
    about: 'a keepalive that asks for a reply is answered with its own LSN',
    invariant: 1,
    scenario: 'standard',
    within: 100,
    edits: [
      {
        file: `${SOURCE}/stream/change-stream.ts`,
        find: 'this.#batches.askedForReply();',
        replace: 'this.#confirmed = endLsn;',
      },
    ],
  },
  {
    name: 'keepalive confirmed without a checkpoint',
    about: 'the slot of an idle stream moves on, and no sink knows',
    invariant: 1,
    scenario: 'standard',
    within: 50,
    edits: [
      {
        file: `${SOURCE}/stream/change-stream.ts`,
        find: 'if (this.#decoding.atRest) this.#batches.reached(endLsn);',
        replace:
          'if (this.#decoding.atRest && !this.#writer.pending && !this.#batches.waiting && this.#delivered === this.#confirmed) this.confirm(endLsn); if (this.#decoding.atRest) this.#batches.reached(endLsn);',
      },
    ],
  },
  {
    name: 'a commit splits a transaction',
    about: 'a batch that ends within a transaction has a checkpoint',
    invariant: 3,
    scenario: 'standard',
    within: 100,
    edits: [
      { file: `${SOURCE}/stream/stream-batches.ts`, find: 'mid ? null : this.#boundary', replace: 'this.#boundary' },
    ],
  },
  {
    name: 'row LSN as position',
    about: 'a transaction has the place of its first row in the log',
    invariant: 2,
    scenario: 'standard',
    within: 100,
    edits: [
      {
        file: `${SOURCE}/stream/stream-messages.ts`,
        find: 'this.#handler.change(start + XLOG_HEADER, end);',
        replace:
          'globalThis.rowLsn = new DataView(data.buffer, data.byteOffset).getBigUint64(start + 1); this.#handler.change(start + XLOG_HEADER, end);',
      },
      {
        file: `${SOURCE}/shape/stream-tables.ts`,
        find: 'position: commitPosition(epoch, begin.commitLsn),',
        replace: 'position: commitPosition(epoch, globalThis.rowLsn),',
      },
    ],
  },
  {
    name: '<= instead of < against the end LSN',
    about: 'a transaction whose commit begins where the last one ended counts as delivered',
    invariant: 2,
    scenario: 'standard',
    within: 100,
    edits: [
      { file: `${SOURCE}/shape/stream-tables.ts`, find: 'return commitLsn < from ||', replace: 'return commitLsn <= from ||' },
    ],
  },
  {
    name: 'retry without reading the checkpoint',
    about: 'after a lost answer the next attempt goes on from the last commit that was answered',
    invariant: 4,
    scenario: 'standard',
    within: 400,
    edits: [
      {
        file: `${ENGINE}/attempt.ts`,
        find: 'const recovered = await abortable(recoverCheckpoint(session, this.#options.store, shard), this.#pull.signal);',
        replace:
          'const read = await abortable(recoverCheckpoint(session, this.#options.store, shard), this.#pull.signal); const recovered = this.#options.answered?.get(name) ?? read;',
      },
      {
        file: `${ENGINE}/attempt.ts`,
        find: 'confirm: async (from, checkpoint) => await this.#confirm(from, checkpoint),',
        replace:
          'confirm: async (from, checkpoint) => { (this.#options.answered ??= new Map()).set(sink.name, checkpoint); await this.#confirm(from, checkpoint); },',
      },
    ],
  },
  {
    name: 'replay not filtered',
    about: 'a sink is given what it has committed already',
    invariant: 4,
    scenario: 'sinks',
    within: 150,
    edits: [{ file: `${ENGINE}/lane.ts`, find: 'if (holds === null || isCopy(batch)) return batch;', replace: 'return batch;' }],
  },
  {
    name: 'replay not counted',
    about: 'rows that are dropped as replayed are in no counter',
    invariant: 7,
    scenario: 'sinks',
    within: 150,
    edits: [{ file: `${ENGINE}/lane-record.ts`, find: 'this.rows.replayed += rows;', replace: '' }],
  },
  {
    name: 'a sink behind passes one ahead',
    about: 'of two sinks that differ by a chunk the one that is behind commits first',
    invariant: 4,
    scenario: 'sinks',
    within: 200,
    edits: [
      {
        file: `${ENGINE}/attempt.ts`,
        find: 'await abortable(this.#ahead.turn(at, position), this.#hard.signal)',
        replace: 'void [at, position]',
      },
    ],
  },
  {
    name: 'no bound on bytes',
    about: 'batches are read whatever waits already',
    invariant: 8,
    scenario: 'standard',
    within: 150,
    edits: [{ file: `${ENGINE}/byte-budget.ts`, find: 'return this.#used === 0 || this.#used + bytes <= this.limit;', replace: 'return true;' }],
  },
  {
    name: 'chunk forgotten by xmax',
    about: 'a round counts as passed when the stream brings the youngest transaction that its snapshot sees',
    invariant: 4,
    scenario: 'copy',
    within: 100,
    edits: [
      {
        file: `${SOURCE}/copy/copied-chunks.ts`,
        find: 'const round = this.#round;\n    const isSeen',
        replace:
          'if (this.isOld) this.forget();\n    const round = this.#round;\n    this.isOld = round !== null && ((transactionId + 1 - Number(round.visible.next % 4294967296n)) | 0) >= 0;\n    const isSeen',
      },
    ],
  },
  {
    name: 'visibility by subtransaction',
    about: 'the id that a streamed row comes with is looked for in the snapshot',
    invariant: 4,
    scenario: 'streamed',
    within: 800,
    edits: [
      {
        file: `${SOURCE}/stream/stream-decoding.ts`,
        find: 'return begin.commitLsn < this.#options.from ? null : this.#options.host.begin(begin);',
        replace: 'this.begun = begin; return begin.commitLsn < this.#options.from ? null : this.#options.host.begin(begin);',
      },
      {
        file: `${SOURCE}/stream/stream-decoding.ts`,
        find: 'if (!this.#isAborted(subtransactionOf(writer.data, start))) this',
        replace:
          'const sub = subtransactionOf(writer.data, start); if (this.begun && this.begun.commitLsn >= this.#options.from) this.#options.host.begin({ ...this.begun, transactionId: sub }); if (!this.#isAborted(sub)) this',
      },
    ],
  },
  {
    name: 'truncate ignored in a copy',
    about: 'a TRUNCATE behind which chunks were read does not begin the table again',
    invariant: 4,
    scenario: 'copy',
    within: 200,
    edits: [{ file: `${SOURCE}/copy/copy-judge.ts`, find: 'this.#place.truncated();', replace: '' }],
  },
  {
    name: 'range delete under another collation',
    about: 'the sink orders texts by a language, the copy by their bytes',
    invariant: 4,
    scenario: 'copy',
    within: 50,
    edits: [
      {
        file: `${SINK}/memory-range.ts`,
        find: 'const order = keyOrder(table);',
        replace:
          "const isText = table.columns[table.key[0]].type.kind === 'string'; const order = isText ? (a, b) => a[0].localeCompare(b[0], 'en') : keyOrder(table);",
      },
    ],
  },
  {
    name: 'a chunk is read again and added',
    about: 'a sink that has a chunk already is given it again, and keeps what it had',
    invariant: 4,
    scenario: 'sinks',
    within: 100,
    edits: [{ file: `${SINK}/memory-tables.ts`, find: 'if (chunk?.range == null) return;', replace: 'return;' }],
  },
  {
    name: 'snapshot that misses what was passed',
    about: 'a chunk is read in a snapshot that does not see every transaction that the stream has brought',
    invariant: 4,
    scenario: 'copy',
    within: 200,
    edits: [
      {
        file: `${SOURCE}/copy/passed-transactions.ts`,
        find: 'for (const id of this.#ids) if (!snapshot.sees(id)) return false;',
        replace: '',
      },
    ],
  },
  {
    name: 'hole not read again',
    about: 'a key that came without its unchanged value is left as it is',
    invariant: 4,
    scenario: 'copy',
    within: 1500,
    edits: [{ file: `${SOURCE}/copy/copy-judge.ts`, find: 'this.#place.addHole(next);', replace: '' }],
  },
];
