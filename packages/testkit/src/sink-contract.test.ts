import { sinkContract } from './sink-contract.ts';
import { atLeastOnce, idempotent, staged, transactional } from './testing/memory-drivers.ts';

// A sink in memory of each class passes, so the contract asks for nothing impossible. That it does not let everything pass is
// in `sink-class-mutants.test.ts`.
for (const driver of [transactional, staged, idempotent, atLeastOnce]) sinkContract(driver);
