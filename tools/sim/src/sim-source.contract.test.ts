import { sourceContract } from '@weir/testkit';
import { simDriver } from './testing/sim-driver.ts';

sourceContract(simDriver('simulated PostgreSQL', null));
