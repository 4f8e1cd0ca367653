import { describe, expect, it } from 'vitest';
import { dumpError } from './dump-error.ts';

/** Words of both servers, of versions that say master and slave and of those that say source and replica. */
const cases = [
  ['WEIR_MYSQL_LOG_PURGED', 'Could not find first log file name in binary log index file'],
  ['WEIR_MYSQL_LOG_PURGED', 'could not find next log; the first event \'a.000001\' at 4, the last event read from \'./a.000001\' at 4.'],
  [
    'WEIR_MYSQL_LOG_PURGED',
    'Cannot replicate because the source purged required binary logs. Replicate the missing transactions from elsewhere, or provision a new replica from backup.',
  ],
  [
    'WEIR_MYSQL_LOG_PURGED',
    'Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and required binlog files have been purged.',
  ],
  ['WEIR_MYSQL_SERVER_ID', 'A replica with the same server_uuid/server_id as this replica has connected to the source; the first event \'\' at 4'],
  ['WEIR_MYSQL_SERVER_ID', 'A slave with the same server_uuid/server_id as this slave has connected to the master'],
  ['WEIR_MYSQL_LOG_BEHIND', 'Client requested source to start replication from position > file size'],
  ['WEIR_MYSQL_LOG_BEHIND', 'Client requested master to start replication from impossible position'],
  ['WEIR_MYSQL_LOG_BEHIND', "Replica has more GTIDs than the source has, using the source's SERVER_UUID. This may indicate that the end of the binary log was truncated"],
  ['WEIR_MYSQL_LOG_BEHIND', "Error: connecting slave requested to start from GTID 0-1-3, which is not in the master's binlog"],
  [
    'WEIR_MYSQL_LOG_BEHIND',
    'The binlog on the master is missing the GTID 0-2-130 requested by the slave (even though both a prior and a subsequent sequence number does exist), and GTID strict mode is enabled',
  ],
  ['WEIR_MYSQL_EVENT_SIZE', 'log event entry exceeded max_allowed_packet; Increase max_allowed_packet on source'],
  ['WEIR_MYSQL_LOG_SETTINGS', 'Binary log is not open'],
  ['WEIR_MYSQL_LOG_SETTINGS', 'The replication sender thread cannot start in AUTO_POSITION mode: this server has GTID_MODE = OFF instead of ON.'],
  ['WEIR_MYSQL_LOG_SETTINGS', "Cannot replicate anonymous transaction when @@GLOBAL.GTID_MODE = ON, at file ./binlog.000001, position 25482."],
  ['WEIR_MYSQL_LOG_DAMAGED', 'bogus data in log event'],
  ['WEIR_MYSQL_LOG_DAMAGED', 'binlog truncated in the middle of event; consider out of disk space on source'],
  ['WEIR_MYSQL_LOG_READ', 'something else'],
] as const;

describe('what ended the stream', () => {
  it.each(cases)('is %s for: %s', (code, text) => {
    expect(dumpError(1236, text)).toMatchObject({ code, message: `the stream of the log: ${text}` });
  });

  it('is told by its number where the server has one for it', () => {
    expect(dumpError(1227, 'Access denied; you need (at least one of) the REPLICATION SLAVE privilege(s) for this operation').code).toBe('WEIR_MYSQL_GRANT');
    expect(dumpError(1045, "Access denied for user 'a'@'%' (using password: YES)").code).toBe('WEIR_MYSQL_GRANT');
    expect(dumpError(1053, 'Server shutdown in progress').code).toBe('WEIR_MYSQL_CONNECTION_LOST');
    expect(dumpError(4052, 'A slave with the same server_uuid/server_id as this slave has connected to the master').code).toBe('WEIR_MYSQL_SERVER_ID');
  });
});
