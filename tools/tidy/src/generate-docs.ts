// `npm run docs`, after a change of the table of errors, of a mapping of types, or of what the page of types says.
import { readFileSync, writeFileSync } from 'node:fs';
import { ERROR_PAGE, ERROR_TABLE, readErrorTable, renderErrorPage } from './error-table.ts';
import { TYPE_PAGE, renderTypePage } from './type-page.ts';

const root = new URL('../../../', import.meta.url);
const entries = readErrorTable(readFileSync(new URL(ERROR_TABLE, root), 'utf8'));
writeFileSync(new URL(ERROR_PAGE, root), renderErrorPage(entries));
writeFileSync(new URL(TYPE_PAGE, root), renderTypePage());
console.log(`${ERROR_PAGE}: ${entries.length} codes; ${TYPE_PAGE} written`);
