/** The body of a URL's answer; undefined when the answer is 404. Rejects when there is no answer in time. */
export async function getText(url: string, timeoutMs: number, maxBytes: number): Promise<string | undefined> {
  // Loading Node's HTTP takes a tenth of a command's start, and most commands ask nobody.
  const { get } = await import('node:http');
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(timeoutMs), agent: false }, response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= maxBytes) chunks.push(chunk);
        else request.destroy(new Error(`more than ${maxBytes} bytes`));
      });
      response.on('end', () => resolve(response.statusCode === 404 ? undefined : Buffer.concat(chunks).toString('utf8')));
      response.on('error', reject);
    });
    request.on('error', error => reject(error.name === 'AbortError' ? new Error(`no answer within ${timeoutMs} ms`) : error));
  });
}
