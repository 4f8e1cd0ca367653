import { query, quoteIdentifier } from '@weir/postgres';
import { WeirError } from '@weir/sdk';
import type pg from 'pg';
import { insertsName } from './capture/publication-name.ts';
import { readPublications } from './capture/published.ts';
import { findSlot, refuseActive, refuseOthers } from './slot.ts';

/**
 * Drops the slot of a pipeline and the publications that Weir made for it. What is somebody else's stays.
 * @returns what was done, a line each
 * @throws WeirError WEIR_PG_SLOT_IN_USE, before anything is changed
 */
export async function removeTraces(
  client: pg.Client,
  names: { readonly slot: string; readonly publication: string },
): Promise<string[]> {
  return [await removeSlot(client, names.slot), ...(await removePublications(client, names.publication))];
}

async function removeSlot(client: pg.Client, slot: string): Promise<string> {
  const found = await findSlot(client, slot);
  if (found === null) return `there was no replication slot ${slot}`;
  try {
    await refuseOthers(client, slot, found);
  } catch (error) {
    if (!(error instanceof WeirError) || error.code !== 'WEIR_PG_SLOT_FOREIGN') throw error;
    return `${error.message}: it is not Weir’s, and stays`;
  }
  refuseActive(slot, found);
  await query(client, 'SELECT pg_drop_replication_slot($1)', [slot]);
  return `dropped replication slot ${slot}`;
}

async function removePublications(client: pg.Client, publication: string): Promise<string[]> {
  const facts = await readPublications(client, [publication, insertsName(publication)]);
  const done: string[] = facts.has(publication) ? [] : [`there was no publication ${publication}`];
  for (const { name, made, mayAlter } of facts.values()) {
    const ours = made && mayAlter;
    if (ours) await query(client, `DROP PUBLICATION ${quoteIdentifier(name)}`);
    const why = made ? 'belongs to another role' : 'was not made by Weir';
    done.push(ours ? `dropped publication ${name}` : `publication ${name} ${why}, and stays`);
  }
  return done;
}
