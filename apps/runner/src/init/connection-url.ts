/** A URL as it may stand in a file: its password is in an environment variable. */
export interface FileUrl {
  /** With `${VARIABLE}` in the place of the password. */
  readonly text: string;
  /** The URL's database, as a name for what it holds; null when the URL names none. */
  readonly database: string | null;
  /** The URL had a password, which has to be in the variable. */
  readonly hasPassword: boolean;
}

/** Scheme, user and password, hosts, and the rest; several hosts are no URL to `URL`. */
const PARTS = /^(postgres(?:ql)?:\/\/)([^/?#]*)(.*)$/i;

/** Null when it is no URL of a PostgreSQL. @param variable for the password */
export function fileUrl(url: string, variable: string): FileUrl | null {
  const parts = PARTS.exec(url);
  if (parts === null) return null;
  const [, scheme = '', authority = '', rest = ''] = parts;
  const at = authority.lastIndexOf('@');
  const [user, ...password] = at < 0 ? [''] : authority.slice(0, at).split(':');
  const reference = `\${${variable}}`;
  const inQuery = /([?&]password=)[^&#]*/i;
  const who = at < 0 ? '' : `${plain(user!)}${password.length > 0 ? `:${reference}` : ''}@`;
  const database = /^\/([^?#]+)/.exec(rest)?.[1] ?? null;
  return {
    text: `${scheme}${who}${plain(authority.slice(at + 1))}${plain(rest).replace(inQuery, (_, key: string) => `${key}${reference}`)}`,
    database: database === null ? null : decoded(database),
    hasPassword: password.length > 0 || inQuery.test(rest),
  };
}

/** `${` would begin a reference. */
export function plain(text: string): string {
  return text.replaceAll('${', () => '$${');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
