/** What the sink does with its own database and with those of its targets. */
const NEEDED = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'CREATE',
  'DROP',
  'ALTER',
  'INDEX',
  'CREATE TEMPORARY TABLES',
] as const;

/** `GRANT SELECT, INSERT ON *.* TO …`, also `` ON `shop\_%`.* `` */
const GRANT = /^GRANT (.+?) ON (\*|`(?:[^`]|``)*`|"(?:[^"]|"")*")\.\* TO /i;

/**
 * What a user lacks on a database, by SHOW GRANTS. Where the user has roles nothing is missing: what they give is not all shown.
 * @param grants one line each
 */
export function missingPrivileges(grants: readonly string[], database: string): string[] {
  const has = new Set<string>();
  for (const grant of grants) {
    const [, privileges, on] = GRANT.exec(grant) ?? [];
    // `GRANT role TO user`
    if (privileges === undefined && !/ ON /i.test(grant)) return [];
    if (privileges === undefined || (on !== '*' && !matches(on!, database))) continue;
    for (const privilege of privileges.split(',')) has.add(privilege.trim().toUpperCase());
  }
  return has.has('ALL PRIVILEGES') || has.has('ALL') ? [] : NEEDED.filter((privilege) => !has.has(privilege));
}

/** A database of a grant is a pattern of LIKE. */
function matches(quoted: string, database: string): boolean {
  const pattern = quoted.slice(1, -1).replaceAll('``', '`');
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === '\\') source += escaped(pattern[++at] ?? '\\');
    else source += character === '%' ? '.*' : character === '_' ? '.' : escaped(character);
  }
  return new RegExp(`^${source}$`, 's').test(database);
}

function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
}
