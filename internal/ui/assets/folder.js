// Makes one file of a folder that was chosen, a zip of files that are stored as they are (APPNOTE 6.3.10), and gives it to the field beside it. The
// same files make the same bytes, so that an upload goes on when the folder is chosen again. They are read twice: for their checksums, and when
// the browser sends them; nothing of them is kept in memory.
"use strict";

for (const box of document.querySelectorAll("[data-upload-folder]")) {
  const input = box.querySelector("input");
  if (!window.tus || !tus.isSupported || !("webkitdirectory" in input)) break;
  const field = box.closest("[data-uploads]");
  const line = box.querySelector("[data-upload-reading]");
  const words = box.dataset;
  const PIECE = 4 << 20; // bytes that are read at once

  const table = new Uint32Array(256).map((_, n) => {
    for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  // crc goes on with a CRC-32, which begins and ends inverted.
  const crc = (sum, bytes) => {
    for (let i = 0; i < bytes.length; i++) sum = table[(sum ^ bytes[i]) & 255] ^ (sum >>> 8);
    return sum;
  };

  const number = (length) => (n) => Array.from({ length }, (_, i) => Math.floor(n / 256 ** i) % 256);
  const u2 = number(2);
  const u4 = number(4);
  const u8 = number(8);
  const NONE = u2(0);
  const ELSEWHERE = u4(0xffffffff); // in the 64-bit fields, which each file has, however small it is
  const record = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
  // about is what both of a file's records say: version, UTF-8, stored, no date (its first day), checksum, lengths.
  const about = (f, extra) => [u2(45), u2(0x800), NONE, NONE, u2(0x21), u4(f.sum), ELSEWHERE, ELSEWHERE, u2(f.name.length), u2(extra)];
  const header = (f) => record(u4(0x04034b50), ...about(f, 20), f.name, u2(1), u2(16), u8(f.file.size), u8(f.file.size));
  const entry = (f, at) => record(u4(0x02014b50), u2(45), ...about(f, 28), NONE, NONE, NONE, NONE, NONE, ELSEWHERE,
    f.name, u2(1), u2(24), u8(f.file.size), u8(f.file.size), u8(at));
  const end = (count, size, at) => record(
    u4(0x06064b50), u8(44), u2(45), u2(45), u4(0), u4(0), u8(count), u8(count), u8(size), u8(at),
    u4(0x07064b50), u4(0), u8(at + size), u4(1),
    u4(0x06054b50), NONE, NONE, u2(0xffff), u2(0xffff), ELSEWHERE, ELSEWHERE, NONE);

  const zip = (files, name) => {
    const parts = [];
    const entries = [];
    let at = 0;
    let size = 0;
    let sum = -1;
    for (const f of files) {
      const [first, last] = [header(f), entry(f, at)];
      parts.push(first, f.file);
      entries.push(last);
      at += first.length + f.file.size;
      size += last.length;
      sum = crc(sum, last);
    }
    const type = `application/zip;content=${(~sum >>> 0).toString(16)}`; // of the same name and length is not yet the same
    return new File([...parts, ...entries, end(files.length, size, at)], name, { type, lastModified: 0 });
  };

  // sums finds the files' checksums.
  const sums = async (files, total) => {
    let read = 0;
    let told = -1;
    for (const f of files) {
      let sum = -1;
      for (let at = 0; at < f.file.size; at += PIECE) {
        const tenth = Math.floor((10 * read) / total);
        if (tenth !== told) line.textContent = words.reading.replace("{percent}", 10 * tenth);
        told = tenth;
        const bytes = new Uint8Array(await f.file.slice(at, at + PIECE).arrayBuffer());
        sum = crc(sum, bytes);
        read += bytes.length;
      }
      f.sum = ~sum >>> 0;
    }
  };

  // inside is where a file lies in the folder, without what no name in a zip may have.
  const inside = (file) => (file.webkitRelativePath.split("/").slice(1).join("/") || file.name).replace(/[\\:\p{Cc}]/gu, "_");

  const take = async (chosen) => {
    const text = new TextEncoder();
    const files = chosen.map((file) => ({ file, path: inside(file) }))
      .filter(({ path }) => !/(^|\/)\./.test(path))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const f of files) f.name = text.encode(f.path);
    const total = files.reduce((n, { file }) => n + file.size, 0);
    if (files.length > Number(words.most)) return words.tooMany;
    if (total > Number(field.dataset.longest)) return words.tooLong;
    try {
      await sums(files, total);
    } catch {
      return words.unread;
    }
    const hand = new DataTransfer();
    hand.items.add(zip(files, chosen[0].webkitRelativePath.split("/")[0] || chosen[0].name));
    const to = field.querySelector("form[enctype] input[type=file]");
    to.files = hand.files;
    to.dispatchEvent(new Event("change", { bubbles: true }));
    return "";
  };

  box.hidden = false;
  input.addEventListener("change", async () => {
    const chosen = [...input.files];
    if (!chosen.length) return;
    input.value = "";
    input.dispatchEvent(new Event("change", { bubbles: true })); // the list of what is chosen is empty again
    input.disabled = true;
    line.textContent = await take(chosen);
    input.disabled = false;
  });
}
