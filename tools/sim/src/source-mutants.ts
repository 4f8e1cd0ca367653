import type { Mutant } from './mutant.ts';

const SOURCE = 'packages/source-postgres/src';
const SINK = 'packages/testkit/src';

/** Broken variants of the source: of its stream, and of copies by key. */
export const sourceMutants: readonly Mutant[] = [
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
        file: `${SOURCE}/stream/walsender-reader.ts`,
        find: 'this.#listener!.change(start + XLOG_HEADER, end);',
        replace:
          'globalThis.rowLsn = new DataView(data.buffer, data.byteOffset).getBigUint64(start + 1); this.#listener!.change(start + XLOG_HEADER, end);',
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
    name: 'a copy does not wait for who was open',
    about: 'chunks are read while transactions that committed before the place of the slot are not visible yet',
    invariant: 4,
    scenario: 'copy',
    within: 200,
    edits: [
      {
        file: `${SOURCE}/copy/passed-transactions.ts`,
        find: 'if (this.gate === null || snapshot.first < this.gate) return false;',
        replace: '',
      },
    ],
  },
  {
    name: 'hole not read again',
    about: 'a key that came without its unchanged value is left as it is',
    invariant: 4,
    scenario: 'copy',
    within: 900,
    edits: [{ file: `${SOURCE}/copy/copy-judge.ts`, find: 'this.#place.addHole(next);', replace: '' }],
  },
  {
    name: 'slot moved to what was read',
    about: 'past the WAL sender: the slot follows the pieces, and not what is durable',
    invariant: 1,
    scenario: 'behind',
    within: 50,
    edits: [
      {
        file: `${SOURCE}/catch-up/catch-up-reader.ts`,
        find: 'this.#listener!.keepalive(end, false);',
        replace: 'this.#follower.confirm(end); this.#listener!.keepalive(end, false);',
      },
    ],
  },
  {
    name: 'a piece taken for longer than it is',
    about: 'past the WAL sender: the end of a piece counts as a boundary that lies behind it',
    invariant: 2,
    scenario: 'behind',
    within: 50,
    edits: [
      {
        file: `${SOURCE}/catch-up/catch-up-reader.ts`,
        find: 'this.#listener!.keepalive(end, false);',
        replace: 'this.#listener!.keepalive(end + 64n, false);',
      },
    ],
  },
  {
    name: 'confirmed last, and the slot left behind',
    about: 'past the WAL sender: what became durable last is not told when the reader ends',
    invariant: 1,
    scenario: 'behind',
    within: 50,
    edits: [
      {
        file: `${SOURCE}/catch-up/slot-follower.ts`,
        find: 'if (this.#advanced < this.#confirmed) await this.#advance().catch(() => {});',
        replace: '',
      },
    ],
  },
  {
    name: 'place of the slot held against an old confirmation',
    about: 'past the WAL sender: its own move of the slot, made while it asks, is taken for that of another',
    invariant: 1,
    scenario: 'behind',
    from: 401,
    within: 100,
    edits: [
      {
        file: `${SOURCE}/catch-up/catch-up-reader.ts`,
        find: 'const extent = await slot.extent();',
        replace: 'this.before = this.#follower.confirmed; const extent = await slot.extent();',
      },
      {
        file: `${SOURCE}/catch-up/catch-up-reader.ts`,
        find: 'if (slot <= this.#follower.confirmed) return;',
        replace: 'if (slot <= this.before) return;',
      },
    ],
  },
];
