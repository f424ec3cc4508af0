// Small promises over node's own http, for loopback servers under test.
import http from 'node:http';

// get(url) -> { status, headers, text, json() }; never rejects on a status.
export function get(url, { method = 'GET', headers = {}, body, timeout = 10000 } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, timeout, agent: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        resolve({
          status: response.statusCode,
          headers: response.headers,
          text,
          json: () => JSON.parse(text),
        });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url} in ${timeout} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}

export const post = (url, value) => get(url, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
});

// until(what, probe): waits until probe() gives a truthy value and returns it.
// The only way a test waits: for a condition, with a last moment.
export async function until(what, probe, seconds = 90) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`waited ${seconds} s in vain: ${what}${last ? ` (${last.message})` : ''}`);
}
