import { Secret } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { STATEMENT_HEADER, cutOnAbort, type MysqlClient } from './client.ts';
import { connect } from './connection/connect.ts';
import { query } from './query.ts';
import { ScriptedServer, type Reply } from './testing/scripted-server.ts';

const never = new AbortController().signal;

async function connected(server: ScriptedServer, options: object = {}): Promise<MysqlClient> {
  return await connect({ url: new Secret(`mysql://weir:hunter2@127.0.0.1:${server.port}`), ...options }, never);
}

const one: Reply = { columns: ['a', 'b'], rows: [['1', null], ['zwölf', '']] };

describe('a connection', () => {
  it('answers with the bytes that the server sent', async () => {
    await using server = await ScriptedServer.start(() => one);
    const client = await connected(server);
    const { columns, rows } = await client.run('SELECT a, b');
    expect(columns).toEqual(['a', 'b']);
    expect(rows).toEqual([[Buffer.from('1'), null], [Buffer.from('zwölf'), Buffer.alloc(0)]]);
    expect(await query(client, 'SELECT a, b')).toEqual([['1', null], ['zwölf', '']]);
    await client.close();
  });

  it('sends a statement that is bytes already, with nothing before or behind it', async () => {
    await using server = await ScriptedServer.start(() => ({ count: 3 }));
    const client = await connected(server);
    const frame = Buffer.alloc(100, 0x58);
    const end = STATEMENT_HEADER + frame.write("INSERT INTO t VALUES ('ü')", STATEMENT_HEADER);
    expect(await client.send(frame, end)).toMatchObject({ count: 3, rows: [] });
    await client.sendText(Buffer.from('DO 1'));
    // Frames are used again.
    await client.send(frame, end);
    expect(server.statements).toEqual(["INSERT INTO t VALUES ('ü')", 'DO 1', "INSERT INTO t VALUES ('ü')"]);
    await client.close();
  });

  it('sends one that is larger than a packet of the protocol in pieces', async () => {
    await using server = await ScriptedServer.start(() => ({ count: 1 }));
    const client = await connected(server);
    const text = `DO '${'x'.repeat((1 << 24) + 10)}'`;
    await client.sendText(Buffer.from(text));
    expect(server.statements.map(({ length }) => length)).toEqual([text.length]);
    await client.close();
  });

  it('gives rows one by one', async () => {
    await using server = await ScriptedServer.start(() => ({ columns: ['n'], rows: Array.from({ length: 500 }, (_, n) => [`${n}`]) }));
    const client = await connected(server);
    const found: string[] = [];
    for await (const [cell] of client.rows('SELECT n')) found.push(cell!.toString());
    expect(found).toEqual(Array.from({ length: 500 }, (_, n) => `${n}`));
    expect((await client.run('SELECT n')).count).toBe(500);
    await client.close();
  });

  it('hands packets over as they come, and is free again behind them', async () => {
    await using server = await ScriptedServer.start((sql) => (sql === 'SELECT nothing' ? 'hang up' : one));
    const client = await connected(server);
    const seen: Buffer[] = [];
    await client.packets('SELECT a', (chunk) => {
      seen.push(Buffer.from(chunk));
      return Buffer.concat(seen).toString('latin1').endsWith('\xfe\0\0\0\0') && Buffer.concat(seen).includes('zwölf');
    });
    expect(Buffer.concat(seen).readUIntLE(0, 3)).toBe(1);
    expect(await query(client, 'SELECT a, b')).toEqual([['1', null], ['zwölf', '']]);
    await expect(client.packets('SELECT nothing', () => false)).rejects.toThrow('the server closed the connection');
    await expect(client.packets('SELECT nothing', () => false)).rejects.toThrow('the connection is closed');
    await client.close();
  });

  it('is lost when what takes its packets throws', async () => {
    await using server = await ScriptedServer.start(() => one);
    const client = await connected(server);
    const refuse = (): never => {
      throw new Error('no');
    };
    await expect(client.packets('SELECT a', refuse)).rejects.toThrow('no');
    expect(client.socket.destroyed).toBe(true);
  });

  it('goes on after a statement that the server refused', async () => {
    await using server = await ScriptedServer.start((sql) => (sql === 'wrong' ? { errno: 1064, message: 'syntax' } : one));
    const client = await connected(server);
    await expect(query(client, 'wrong')).rejects.toMatchObject({ code: 'WEIR_MYSQL_QUERY' });
    expect(await query(client, 'right')).toHaveLength(2);
    await client.close();
  });

  it('that breaks fails what waits for it, and what comes later', async () => {
    await using server = await ScriptedServer.start(() => 'hang up');
    const client = await connected(server);
    for (const _ of [1, 2]) {
      await expect(query(client, 'SELECT 1')).rejects.toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST' });
    }
    await client.close();
  });

  it('is cut by an abort while that is asked for', async () => {
    await using server = await ScriptedServer.start((sql) => (sql === 'SELECT 1' ? one : 'silence'));
    const client = await connected(server);
    const abort = new AbortController();
    cutOnAbort(client, AbortSignal.abort())[Symbol.dispose]();
    expect(await query(client, 'SELECT 1')).toHaveLength(2);
    using _ = cutOnAbort(client, abort.signal);
    const waiting = query(client, 'SELECT SLEEP(1000)');
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST' });
    await client.close();
  });
});

describe('connecting', () => {
  it('ends in a coded error without the password (invariant 10)', async () => {
    await using server = await ScriptedServer.start(() => one, { refuses: true });
    const failure = connected(server);
    await expect(failure).rejects.toMatchObject({ code: 'WEIR_MYSQL_AUTH', path: 'url' });
    await expect(failure).rejects.not.toThrow('hunter2');
  });

  it('asks a server that speaks no TLS for it, and gives up', async () => {
    await using server = await ScriptedServer.start(() => one);
    await expect(connected(server, { tls: 'require' })).rejects.toMatchObject({ code: 'WEIR_MYSQL_TLS', path: 'tls' });
  });

  it('ends when it is told to, before and while it waits', async () => {
    await using server = await ScriptedServer.start(() => one);
    const config = { url: new Secret(`mysql://127.0.0.1:${server.port}`) };
    const reason = new Error('enough');
    await expect(connect(config, AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const waiting = connect(config, abort.signal);
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('says which file of tls is none', async () => {
    await using server = await ScriptedServer.start(() => one);
    const tls = { mode: 'verify-full', ca: '/nowhere/ca.pem' };
    await expect(connected(server, { tls })).rejects.toMatchObject({ code: 'WEIR_MYSQL_TLS_FILE', path: 'tls' });
  });
});
