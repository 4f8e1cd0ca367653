import { SOUND, soundness } from './bank.ts';
import type { ChaosServer } from './server.ts';

/** What a runner's error says when a commit of the sink was refused. */
export const UNSOUND = 'the bank is not sound';

/**
 * Has the sink's server look at each commit of the mirror from here on, inside of it and behind all of its rows: one that
 * leaves the bank in a state that the source was never in is refused, and the runner says why. No commit goes by unseen.
 */
export async function checkCommits(server: ChaosServer): Promise<void> {
  const fields = Object.entries(SOUND);
  const isSound = fields.map(([name, value]) => `s.${name} = '${value}'`).join(' AND ');
  const statements = [
    'CREATE SEQUENCE IF NOT EXISTS public.sound_commits',
    `CREATE OR REPLACE FUNCTION public.check_commit() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE s record;
      BEGIN
        SELECT * INTO s FROM (${soundness('public')}) bank;
        IF NOT (${isSound}) THEN RAISE EXCEPTION '${UNSOUND}: %', to_json(s); END IF;
        PERFORM nextval('public.sound_commits');
        RETURN NULL;
      END $$`,
    'DROP TRIGGER IF EXISTS chaos ON weir.checkpoint',
    `CREATE CONSTRAINT TRIGGER chaos AFTER UPDATE ON weir.checkpoint DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.sink = 'mirror' AND NEW.position IS DISTINCT FROM OLD.position) EXECUTE FUNCTION public.check_commit()`,
    // The sink's sessions are replicas: other triggers do not fire there.
    'ALTER TABLE weir.checkpoint ENABLE ALWAYS TRIGGER chaos',
  ];
  await server.ask('mirror', statements.join(';\n'));
}

/** How many commits were looked at; those that were rolled back behind it count, too. */
export async function commitsChecked(server: ChaosServer): Promise<number> {
  const [row] = await server.ask('mirror', 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END::text AS count FROM public.sound_commits');
  return Number(row!['count']);
}
