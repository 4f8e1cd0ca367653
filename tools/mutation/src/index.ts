export { packages, parseRequest, usage, type MutatedPackage, type MutationRequest } from './request.ts';
export { scoreTable, survivors, type Mutant, type MutationReport } from './mutation-report.ts';
export { passesOf, strykerOptions, vitestVariables, type Pass } from './stryker-options.ts';
