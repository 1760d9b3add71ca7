import { describe, expect, test } from 'vitest';
import {
  defineConfig,
  duration,
  integer,
  ipv4,
  loadConfig,
  ratio,
  section,
  text,
} from '../../../../runtime/src/config/config.ts';

const meaning = 'Said elsewhere.';
const port = (value: number) => integer({ default: value, min: 1, max: 65535, meaning });
const count = integer({ default: 1, min: 0, max: 1_000_000, meaning });
const timeout = duration({ default: 1_000, min: 1, max: 86_400_000, meaning });

const agentTable = defineConfig({
  file: 'agent.ini',
  title: 'An agent.',
  sections: {
    reporter: section('Reporter', { ip: ipv4({ default: '0.0.0.0', meaning }), port: port(1) }),
    dnsserver: section('dnsserver', { ip: ipv4({ default: '0.0.0.0', meaning }), port: port(1) }),
    loadbalance: section('Load balancing', {
      probe_num: count,
      init_succ_cnt: count,
      init_err_cnt: count,
      err_rate: ratio({ default: 0, meaning }),
      succ_rate: ratio({ default: 0, meaning }),
      contin_err_limit: count,
      contin_succ_limit: count,
      window_err_rate: ratio({ default: 0, meaning }),
      idle_timeout: timeout,
      overload_timeout: timeout,
      update_timeout: timeout,
    }),
  },
});

const agentConf = `[reporter]
ip = 127.0.0.1
port = 7779

[dnsserver]
ip = 127.0.0.1
port = 7778

[loadbalance]

;每取多少次主机，就试探一次过载的主机
probe_num=10

;空闲窗口开始时的虚拟成功次数
init_succ_cnt=180

;过载开始时的虚拟失败次数
init_err_cnt=5

;失败率高于此值，主机变为过载
err_rate=0.1

;成功率高于此值，主机恢复空闲
succ_rate=0.5

;连续失败达到此值, 主机变为过载
contin_err_limit=15

;连续成功达到此值, 主机恢复空闲
contin_succ_limit=15

;整个窗口的真实失败率
window_err_rate=0.7

;空闲窗口的长度（秒）
idle_timeout=15

;过载主机等待的最长时间（秒）
overload_timeout=15

;路由过期的时间（秒）
update_timeout=15
`;

describe('conf files of the deployed services load unchanged', () => {
  test.each([
    ['as deployed', agentConf],
    ['edited on Windows', `\uFEFF${agentConf.replaceAll('\n', '\r\n')}`],
    // Comments in GBK are no UTF-8; what the decoder makes of them is still a comment.
    ['with comments in another encoding', agentConf.replace(/[^\n -~]+/g, '\uFFFD\uFFFD=\uFFFD[')],
  ])('agent, %s', (_, conf) => {
    expect(loadConfig(agentTable, { path: 'agent.ini', text: conf })).toEqual({
      reporter: { ip: '127.0.0.1', port: 7779 },
      dnsserver: { ip: '127.0.0.1', port: 7778 },
      loadbalance: {
        probe_num: 10,
        init_succ_cnt: 180,
        init_err_cnt: 5,
        err_rate: 0.1,
        succ_rate: 0.5,
        contin_err_limit: 15,
        contin_succ_limit: 15,
        window_err_rate: 0.7,
        idle_timeout: 15_000,
        overload_timeout: 15_000,
        update_timeout: 15_000,
      },
    });
  });

  test('reporter, with its misspelled section and a password that an ini parser would cut short', () => {
    const table = defineConfig({
      file: 'reporter.ini',
      title: 'A reporter.',
      sections: {
        reactor: section('Listening', { maxConn: count, threadNum: count }),
        mysql: section('Database', { db_passwd: text({ default: '', maxLength: 64, secret: true, meaning }) }),
        reporter: section('Writing', { db_thread_cnt: count }, { aliases: ['repoter'] }),
      },
    });
    const conf =
      '[reactor]\nmaxConn = 1024\nthreadNum = 5\n\n[mysql]\ndb_passwd = top#secret;1\n\n[repoter]\ndb_thread_cnt = 3\n';
    expect(loadConfig(table, { path: 'reporter.ini', text: conf })).toEqual({
      reactor: { maxConn: 1024, threadNum: 5 },
      mysql: { db_passwd: 'top#secret;1' },
      reporter: { db_thread_cnt: 3 },
    });
  });
});
