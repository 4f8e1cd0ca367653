import { sourceContract } from '@weir/testkit';
import { simDriver } from './testing/sim-driver.ts';

// Every change is sent as soon as it is written, in a block of its own.
sourceContract(simDriver('simulated PostgreSQL that sends transactions before their end', 1));
