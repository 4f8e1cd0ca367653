/** `GRANT SELECT, INSERT ON *.* TO …`, also `` ON `shop\_%`.* ``; rights on one table are passed over. */
const GRANT = /^GRANT (.+?) ON (\*|`(?:[^`]|``)*`|"(?:[^"]|"")*")\.\* TO /isu;

interface Grant {
  readonly privileges: ReadonlySet<string>;
  /** Which databases it is about; null for everything. */
  readonly databases: RegExp | null;
}

/** What a user may do, by SHOW GRANTS. */
export class Grants {
  readonly #grants: Grant[] = [];
  /** `GRANT role TO user`: what a role gives is shown only while it is active. */
  readonly hasRoles: boolean;

  /** @param lines of SHOW GRANTS, one each */
  constructor(lines: readonly string[]) {
    for (const line of lines) {
      const [, privileges, on] = GRANT.exec(line) ?? [];
      if (privileges === undefined) continue;
      const names = privileges.split(',').map((privilege) => privilege.trim().toUpperCase());
      this.#grants.push({ privileges: new Set(names), databases: on === '*' ? null : patternOf(on!) });
    }
    this.hasRoles = lines.some((line) => /^GRANT /iu.test(line) && !/ ON /iu.test(line));
  }

  /**
   * Whether a privilege is given.
   * @param privilege as GRANT takes it, in capitals
   * @param database null for one that has to be given on everything
   */
  allows(privilege: string, database: string | null): boolean {
    return this.#grants.some(({ privileges, databases }) => {
      const isThere = databases === null || (database !== null && databases.test(database));
      return isThere && [privilege, 'ALL', 'ALL PRIVILEGES'].some((name) => privileges.has(name));
    });
  }
}

/** A database of a grant is a pattern of LIKE. */
function patternOf(quoted: string): RegExp {
  const pattern = quoted.slice(1, -1).replaceAll('``', '`');
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === '\\') source += escaped(pattern[++at] ?? '\\');
    else source += character === '%' ? '.*' : character === '_' ? '.' : escaped(character);
  }
  return new RegExp(`^${source}$`, 's');
}

function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
}
