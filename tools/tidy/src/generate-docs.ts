// `npm run docs`, after a change of the table of errors, of a mapping of types, of what the page of types says,
// or of a citation of an invariant.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_PAGE, ERROR_TABLE, readErrorTable, renderErrorPage } from './error-table.ts';
import { GUARANTEES_PAGE, renderGuaranteesPage } from './guarantees-page.ts';
import { TYPE_PAGE, renderTypePage } from './type-page.ts';
import { readWorkspace } from './workspace-files.ts';

const root = new URL('../../../', import.meta.url);
const entries = readErrorTable(readFileSync(new URL(ERROR_TABLE, root), 'utf8'));
writeFileSync(new URL(ERROR_PAGE, root), renderErrorPage(entries));
writeFileSync(new URL(TYPE_PAGE, root), renderTypePage());
const files = readWorkspace(fileURLToPath(root));
writeFileSync(new URL(GUARANTEES_PAGE, root), renderGuaranteesPage(files));
console.log(`${ERROR_PAGE}: ${entries.length} codes; ${TYPE_PAGE} and ${GUARANTEES_PAGE} written`);
