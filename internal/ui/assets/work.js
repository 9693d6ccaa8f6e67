// Looks for a number that, after a challenge and a dot, gives a SHA-256 (FIPS 180-4) with so many zero bits at its beginning. It
// runs beside the page and has its own SHA-256: the browser's is there behind TLS alone, and one call for each number is slower.
"use strict";

const K = new Uint32Array(64);
const H = new Uint32Array(8);
for (let n = 2, i = 0; i < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
  if (!prime) continue;
  if (i < 8) H[i] = Math.sqrt(n) * 0x100000000;
  K[i++] = Math.cbrt(n) * 0x100000000;
}

const W = new Uint32Array(64);
const turn = (x, n) => (x >>> n) | (x << (32 - n));

// hash puts the eight words of the hash of some bytes into h.
const hash = (bytes, h) => {
  const size = ((bytes.length + 8) >> 6) + 1;
  const padded = new Uint8Array(size * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(size * 64 - 4, bytes.length * 8);
  h.set(H);
  for (let block = 0; block < size; block++) {
    for (let i = 0; i < 16; i++) W[i] = view.getUint32(block * 64 + i * 4);
    for (let i = 16; i < 64; i++) {
      const a = W[i - 15];
      const b = W[i - 2];
      W[i] = W[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + W[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, k] = h;
    for (let i = 0; i < 64; i++) {
      const t = (k + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      k = g;
      g = f;
      f = e;
      e = (d + t) | 0;
      d = c;
      c = b;
      b = a;
      a = (t + u) | 0;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
    h[5] += f;
    h[6] += g;
    h[7] += k;
  }
};

const zeros = (h) => (h[0] ? Math.clz32(h[0]) : 32 + Math.clz32(h[1]));

onmessage = (event) => {
  const { challenge, bits } = event.data;
  const text = new TextEncoder();
  const h = new Uint32Array(8);
  for (let n = 0; ; n++) {
    hash(text.encode(`${challenge}.${n}`), h);
    if (zeros(h) >= bits) return postMessage({ nonce: String(n) });
    if (n % 4096 === 0) postMessage({ part: 1 - Math.exp(-n / 2 ** bits) });
  }
};
