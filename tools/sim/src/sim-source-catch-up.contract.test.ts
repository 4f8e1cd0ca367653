import { sourceContract } from '@weir/testkit';
import { simDriver } from './testing/sim-driver.ts';

// Pieces of a few bytes of log; 96 MiB of them may wait.
const driver = simDriver('simulated PostgreSQL that is read past its WAL sender', null, 'always');
sourceContract({ ...driver, heldBytes: 128 << 20 });
