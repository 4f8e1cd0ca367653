// `npm run docs`, after a change of the table of errors.
import { readFileSync, writeFileSync } from 'node:fs';
import { ERROR_PAGE, ERROR_TABLE, readErrorTable, renderErrorPage } from './error-table.ts';

const root = new URL('../../../', import.meta.url);
const entries = readErrorTable(readFileSync(new URL(ERROR_TABLE, root), 'utf8'));
writeFileSync(new URL(ERROR_PAGE, root), renderErrorPage(entries));
console.log(`${ERROR_PAGE}: ${entries.length} codes`);
