/** Reports as agents send them, for the reporter's tests. */
import type { HostCallResult, ReportStatusRequest } from '@lars/proto';
import { parseIpv4 } from '@lars/proto';
import fc from 'fast-check';

/** A time in the middle of a minute, and the start of that minute; unix seconds. */
export const NOW_SEC = 1_700_000_025;
export const NOW_MINUTE = 1_699_999_980;

export function ip(text: string): number {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(`'${text}' is no IPv4 address`);
  return parsed;
}

/** A host that 10.0.0.1:80 stands for, unless told otherwise. */
export function result(fields: Partial<HostCallResult> = {}): HostCallResult {
  return {
    ip: fields.addr === undefined ? ip('10.0.0.1') : 0,
    port: 80,
    succ: 0,
    err: 0,
    overload: false,
    addr: '',
    weight: 0,
    tcost: 0,
    probes: 0,
    ...fields,
  };
}

/** From an agent of the first generation: no number, no name. */
export function report(fields: Partial<ReportStatusRequest> = {}): ReportStatusRequest {
  return { modid: 1, cmdid: 2, caller: ip('10.9.9.9'), results: [result()], ts: NOW_SEC, seq: 0, agent: '', ...fields };
}

/** From an agent of ours. */
export function numbered(seq: number, fields: Partial<ReportStatusRequest> = {}): ReportStatusRequest {
  return report({ seq, agent: 'agent-1', ...fields });
}

const count = fc.oneof(fc.nat(20), fc.nat(2 ** 32 - 1));

/** Few hosts, so that they come again. */
export const arbitraryResult: fc.Arbitrary<HostCallResult> = fc.record(
  {
    ip: fc.constantFrom(ip('10.0.0.1'), ip('192.168.1.177')),
    port: fc.constantFrom(80, 65_535),
    succ: count,
    err: count,
    overload: fc.boolean(),
    addr: fc.constantFrom('', '', '2001:db8::1', 'db.example'),
    weight: fc.nat(100),
    tcost: fc.nat(2 ** 40),
    probes: fc.nat(3),
  },
  { noNullPrototype: true },
);

/** Few modules, callers and agents, so that they come again. */
export function arbitraryReport(agents: readonly string[]): fc.Arbitrary<ReportStatusRequest> {
  return fc.record(
    {
      modid: fc.constantFrom(1, -1),
      cmdid: fc.constantFrom(2, 3),
      caller: fc.constantFrom(ip('10.9.9.9'), ip('192.168.9.9')),
      results: fc.array(arbitraryResult, { maxLength: 6 }),
      ts: fc.constantFrom(NOW_SEC, NOW_SEC - 60),
      seq: fc.nat(5),
      agent: fc.constantFrom(...agents),
    },
    { noNullPrototype: true },
  );
}
