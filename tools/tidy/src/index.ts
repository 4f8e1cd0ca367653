export { checkDeadFiles } from './dead-files.ts';
export { checkDeliveries } from './deliveries.ts';
export { checkDependencies, checkProjectGraph, dependencyRule, type ProjectEdge } from './dependency-rule.ts';
export {
  ERROR_PAGE,
  ERROR_TABLE,
  checkErrorTable,
  readErrorTable,
  renderErrorPage,
  type ErrorEntry,
} from './error-table.ts';
export { checkFileNames } from './file-names.ts';
export { formatFinding, type Finding } from './finding.ts';
export { checkImportCycles } from './import-cycles.ts';
export { checkInvariantCitations, type CitationRatchet } from './invariant-citations.ts';
export { checkLeftovers } from './leftovers.ts';
export { checkLengths, type LengthLimits, type LengthRatchet } from './lengths.ts';
export { checkLinks } from './links.ts';
export { checkLockfile, completeLockfile, type Lockfile } from './lockfile.ts';
export { checkMachineTraces } from './machine-traces.ts';
export { checkManifests } from './manifest-rules.ts';
export { checkProjectReferences } from './project-references.ts';
export { TYPE_PAGE, checkTypePage, renderTypePage } from './type-page.ts';
export { filesOf, readWorkspace, type Files } from './workspace-files.ts';
