/**
 * What a statement in the log does:
 *
 * - `begin`, `commit`, `rollback`, `savepoint`, `rollback to`: to the transaction
 * - `xa start`, `xa end`, `xa prepare`, `xa commit`, `xa rollback`: to an XA transaction
 * - `data`: it changes rows that the log does not have (`binlog_format` STATEMENT or MIXED)
 * - `comment`: nothing
 * - `definition`: anything else; it may change tables, users, whatever
 */
export type StatementKind =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'savepoint'
  | 'rollback to'
  | 'xa start'
  | 'xa end'
  | 'xa prepare'
  | 'xa commit'
  | 'xa rollback'
  | 'data'
  | 'comment'
  | 'definition';

/** Spaces, comments, and the opening of a comment whose content is executed. */
const insignificant = /(?:\s+|#.*(?:\n|$)|--(?:[ \t].*)?(?:\n|$)|\/\*(?!M?!)[\s\S]*?\*\/|\/\*M?!\d*)*/uy;
const word = /\w+/uy;
const dataWords = new Set(['insert', 'update', 'delete', 'replace', 'load', 'with', 'call', 'select', 'do']);
const xaWords: Readonly<Record<string, StatementKind>> = {
  start: 'xa start',
  begin: 'xa start',
  end: 'xa end',
  prepare: 'xa prepare',
  commit: 'xa commit',
  rollback: 'xa rollback',
};
const WORDS = 3;

/** Told by the first words; comments in front of them do not count. */
export function statementKind(text: string): StatementKind {
  insignificant.lastIndex = 0;
  insignificant.test(text);
  if (insignificant.lastIndex === text.length) return 'comment';
  const [first = '', second = '', third = ''] = firstWords(text);
  if (first === 'begin') return 'begin';
  if (first === 'start' && second === 'transaction') return 'begin';
  if (first === 'commit') return 'commit';
  if (first === 'savepoint' || (first === 'release' && second === 'savepoint')) return 'savepoint';
  if (first === 'rollback') return second === 'to' || (second === 'work' && third === 'to') ? 'rollback to' : 'rollback';
  if (first === 'xa') return xaWords[second] ?? 'definition';
  return dataWords.has(first) ? 'data' : 'definition';
}

function firstWords(text: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (words.length < WORDS) {
    insignificant.lastIndex = at;
    insignificant.test(text);
    word.lastIndex = insignificant.lastIndex;
    const found = word.exec(text)?.[0];
    if (found === undefined) break;
    words.push(found.toLowerCase());
    at = word.lastIndex;
  }
  return words;
}
