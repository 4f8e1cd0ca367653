import type { WeirError } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { parseService } from './service-file.ts';

const FILE = `
# services of this machine
[shop]
host=db.example
port=5433
password=p w = "x"

[empty]
[shop]
host=second
[wrong]
host = db
[unknown]
gssencmode=disable
[nested]
service=shop
[directory]
ldap://ldap.example/dc=x
`;
const at = { file: 'pg_service.conf', path: 'service' };

function refusal(service: string): WeirError {
  try {
    parseService(FILE, service, at);
  } catch (error) {
    return error as WeirError;
  }
  throw new Error('it was taken');
}

describe('a service file', () => {
  test('gives the first section of the name; values are the rest of their lines', () => {
    const found = parseService(FILE, 'shop', at)!;
    expect(Object.fromEntries(found)).toEqual({ host: 'db.example', port: '5433', password: 'p w = "x"' });
    expect(parseService(FILE, 'empty', at)!.size).toBe(0);
    expect(parseService(FILE, 'other', at)).toBeNull();
  });

  test.each(['wrong', 'unknown', 'nested', 'directory'])('section %s is refused with the line', (service) => {
    expect(refusal(service)).toMatchObject({ code: 'WEIR_CONFIG_INVALID', path: 'service' });
    expect(refusal(service).message).toMatch(/line \d+ of pg_service\.conf/);
  });
});
