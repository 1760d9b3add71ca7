// pure
/** 1234567 → '1,234,567' */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 1 of 8 → '12.5%'; '-' when there is no whole to be a part of. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)}%`;
}

/** The two largest units, without those that are 0: 93784 → '1d 2h', 62 → '1m 2s', 3600 → '1h', 0.5 → '0s' */
export function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const units = [
    { name: 'd', count: Math.floor(whole / 86_400) },
    { name: 'h', count: Math.floor(whole / 3_600) % 24 },
    { name: 'm', count: Math.floor(whole / 60) % 60 },
    { name: 's', count: whole % 60 },
  ];
  const largest = units.findIndex(({ count }) => count > 0);
  if (largest === -1) return '0s';
  const shown = units.slice(largest, largest + 2).filter(({ count }) => count > 0);
  return shown.map(({ name, count }) => `${count}${name}`).join(' ');
}

/** 0.4 → '<1 ms', 12.34 → '12 ms', 1234 → '1.2 s', 75000 → '1m 15s'; '-' for 0, which stands for "not known". */
export function formatMs(ms: number): string {
  if (ms === 0) return '-';
  if (ms < 1) return '<1 ms';
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return ms < 59_950 ? `${(ms / 1_000).toFixed(1)} s` : formatDuration(ms / 1_000);
}

/** 0.042 → '4.2%', 0.34 → '34%': people read shares of a few calls. What is not nothing does not look like it. */
export function formatRate(rate: number): string {
  const percent = 100 * rate;
  if (percent > 0 && percent < 0.05) return '<0.1%';
  return `${percent === 0 || percent >= 9.95 ? Math.round(percent) : percent.toFixed(1)}%`;
}

/** 1 host, 2 hosts */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** 1536 → '1.5 KB', 212992 → '208 KB' */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes, 0];
  for (; value >= 1_024 && unit < units.length - 1; unit++) value /= 1_024;
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
