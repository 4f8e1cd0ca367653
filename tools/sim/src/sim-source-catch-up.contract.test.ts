import { sourceContract } from '@weir/testkit';
import { simDriver } from './testing/sim-driver.ts';

// Pieces of a few bytes of log.
sourceContract(simDriver('simulated PostgreSQL that is read past its WAL sender', null, 'always'));
