// pure
/** Whether what an agent says of its dnsservers or reporters in /healthz names one that it is connected to; true where it says nothing. */
export function isLinked(detail: unknown): boolean {
  return typeof detail !== 'string' || detail === '' || /(?<!not )connected/.test(detail);
}
