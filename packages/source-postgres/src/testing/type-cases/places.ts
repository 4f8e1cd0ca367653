import { same, typeCase, type PostgresTypeCase } from './type-case.ts';

/** In a network and in a plane. */
export const placeCases: readonly PostgresTypeCase[] = [
  typeCase('an_inet', 'inet', { kind: 'other' }, same('192.168.0.1/24', '::1', '10.0.0.1', '2001:db8::/32', '0.0.0.0/0')),
  typeCase('a_cidr', 'cidr', { kind: 'other' }, [
    ...same('192.168.0.0/24', '::/0', '10.1.2.3/32'),
    ["'10'", '10.0.0.0/8'],
  ]),
  typeCase('a_macaddr', 'macaddr', { kind: 'other' }, [["'08002B-010203'", '08:00:2b:01:02:03']]),
  typeCase('a_macaddr8', 'macaddr8', { kind: 'other' }, [
    ["'08-00-2b-01-02-03-04-05'", '08:00:2b:01:02:03:04:05'],
    ["'08:00:2b:01:02:03'", '08:00:2b:ff:fe:01:02:03'],
  ]),
  typeCase('a_point', 'point', { kind: 'other' }, same('(1.5,-2)', '(Infinity,NaN)', '(0.1,1e-300)')),
  typeCase('a_line', 'line', { kind: 'other' }, same('{1,-1,0}', '{0.1,2,-3e+20}')),
  typeCase('an_lseg', 'lseg', { kind: 'other' }, same('[(0,0),(1,1)]')),
  typeCase('a_box', 'box', { kind: 'other' }, [["'(0,0),(1,1)'", '(1,1),(0,0)']], { arrays: false }),
  typeCase('some_boxes', 'box[]', { kind: 'other' }, [
    ["ARRAY['(1,1),(0,0)'::box, NULL, '(2,2),(1,1)']", '{(1,1),(0,0);NULL;(2,2),(1,1)}'],
  ], { arrays: false }),
  typeCase('a_path', 'path', { kind: 'other' }, same('[(0,0),(1,1)]', '((0,0),(1,1),(2,0))')),
  typeCase('a_polygon', 'polygon', { kind: 'other' }, same('((0,0),(1,1),(2,0))')),
  typeCase('a_circle', 'circle', { kind: 'other' }, same('<(0,0.1),5>')),
];
