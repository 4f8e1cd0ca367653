import type { Mutant } from './mutant.ts';

const ENGINE = 'packages/engine/src';
const SINK = 'packages/testkit/src';

/** Broken variants of the engine, and of a sink. */
export const engineMutants: readonly Mutant[] = [
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
    name: 'a fence and a checkpoint at a time',
    about: 'of several sinks the checkpoint of the first is read before the fence of the next is taken',
    invariant: 5,
    scenario: 'runners',
    from: 5701,
    within: 100,
    edits: [
      {
        file: `${ENGINE}/open-sinks.ts`,
        find: 'fenced.push({ name, shard, session: await sessions.add(sink.open(shard, ending), stopping) });',
        replace:
          'const session = await sessions.add(sink.open(shard, ending), stopping); const read = await session.recover(); ' +
          'fenced.push({ name, shard, session: Object.assign(session, { recover: async () => read }) });',
      },
    ],
  },
  {
    name: 'a history takes parts of a copy like a mirror',
    about: 'a history may have a part of a copy that a mirror has not, and gets it twice when the copy is begun again',
    invariant: 4,
    scenario: 'sinks',
    within: 500,
    edits: [{ file: `${ENGINE}/lane.ts`, find: "return this.#options.policies.mode === 'append';", replace: 'return false;' }],
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
    name: 'retry without reading the checkpoint',
    about: 'after a lost answer the next attempt goes on from the last commit that was answered',
    invariant: 4,
    scenario: 'standard',
    within: 400,
    edits: [
      {
        file: `${ENGINE}/open-sinks.ts`,
        find: 'const recovered = await abortable(recoverCheckpoint(sink.session, options.store, sink.shard), stopping);',
        replace:
          'const read = await abortable(recoverCheckpoint(sink.session, options.store, sink.shard), stopping); const recovered = options.answered?.get(sink.name) ?? read;',
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
    within: 1200,
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
    name: 'a chunk is read again and added',
    about: 'a sink that has a chunk already is given it again, and keeps what it had',
    invariant: 4,
    scenario: 'sinks',
    within: 100,
    edits: [{ file: `${SINK}/memory-tables.ts`, find: 'if (chunk?.range == null) return;', replace: 'return;' }],
  },
];
