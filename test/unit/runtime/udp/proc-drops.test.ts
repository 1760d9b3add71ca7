import { expect, test } from 'vitest';
import { dropsOf } from '../../../../runtime/src/udp/proc-drops.ts';

const TABLE = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
  438: 0100007F:22B8 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7691467 2 000000006118b063 17       
 2053: 0A01A8C0:22B8 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7692600 2 00000000fcdf4435 4000000000
 8817: 0100007F:C86D 0100007F:22B8 01 00000000:00000000 00:00000000 00000000     0        0 7692601 2 0000000047eda083 3       
`;

test.each([
  ['127.0.0.1', 0x22b8, 17],
  ['192.168.1.10', 0x22b8, 4_000_000_000],
  ['127.0.0.1', 0xc86d, 3],
  ['127.0.0.1', 1, 0],
  ['::1', 0x22b8, 0],
])('the socket %s:%i has dropped %i', (ip, port, drops) => {
  expect(dropsOf(ip, port, () => TABLE)()).toBe(drops);
});

test('no table, no drops', () => {
  expect(dropsOf('127.0.0.1', 0x22b8, () => '')()).toBe(0);
});
