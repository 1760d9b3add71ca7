import { readFileSync } from 'node:fs';
import path from 'node:path';
import { agentConfigTable } from '@lars/agent';
import { loadConfig } from '@lars/runtime/config/config';
import { describe, expect, test } from 'vitest';
import { confFiles } from '../../scripts/conf-files.ts';

const ROOT = path.join(import.meta.dirname, '../..');

describe('what is printed from the config tables is what stands in the tree (npm run conf)', () => {
  test.each([...confFiles()])('%s', (file, text) => {
    expect(readFileSync(path.join(ROOT, file), 'utf8')).toBe(text);
  });
});

describe('a deployed agent conf file', () => {
  const deployed = `[reporter]
ip = 10.1.2.3
port = 7779

[dnsserver]
ip = 10.1.2.4
port = 7778

[loadbalance]
;经过若干次获取请求host节点后，试探选择一次overload过载节点
probe_num=10
init_succ_cnt=180
init_err_cnt=5
err_rate=0.1
succ_rate=0.95
contin_err_limit=15
contin_succ_limit=15
window_err_rate=0.7
idle_timeout=15
overload_timeout=180
update_timeout=15
`;

  test('loads unchanged', () => {
    const config = loadConfig(agentConfigTable, { path: 'lars_lb_agent.conf', text: deployed });
    expect(config.reporter).toEqual({ ip: '10.1.2.3', port: 7779, servers: '' });
    expect(config.dnsserver).toEqual({ ip: '10.1.2.4', port: 7778, servers: '' });
    expect(config.loadbalance).toMatchObject({
      probe_num: 10,
      succ_rate: 0.95,
      overload_timeout: 180_000,
      update_timeout: 15_000,
    });
    expect(config.udp.port).toBe(8888);
  });
});
