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
