// Turns the form of an upload field into uploads that can be paused, survive a cut connection and, when the same file is chosen
// again, a closed page. Two go at once; the rest waits for its turn.
"use strict";

for (const field of document.querySelectorAll("[data-uploads]")) {
  if (!window.tus || !tus.isSupported) break;
  const words = field.dataset;
  const form = field.querySelector("form[enctype]");
  const input = form.querySelector("input[type=file]");
  const list = field.querySelector("[data-upload-list]");
  const AT_ONCE = 2;
  let busy = 0;
  const waiting = [];

  const size = (n) => {
    if (n < 1024) return `${n} B`;
    let unit = -1;
    for (; n >= 1024 && unit < 5; unit++) n /= 1024;
    return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${"KMGTPE"[unit]}iB`;
  };
  const amounts = (text, done, total) => text.replace("{done}", size(done)).replace("{total}", size(total));

  const next = () => {
    while (busy < AT_ONCE && waiting.length) {
      busy++;
      waiting.shift()();
    }
  };

  // problem gives the sentence with which the server refused, or one of our own.
  const problem = (error) => {
    const told = error.originalResponse && error.originalResponse.getHeader("Upload-Problem");
    return told ? decodeURIComponent(told) : words.failed;
  };

  // known gives the place in the list of an upload of this very file that can be gone on with, nothing if there is none. A type with a
  // parameter is a folder's, and says what is in it.
  const known = (file) => [...list.querySelectorAll("[data-upload]")].find((row) =>
    !row.dataset.taken && row.dataset.name === file.name && Number(row.dataset.length) === file.size &&
    (!file.type.includes(";") || row.dataset.type === file.type));

  const add = (file) => {
    const row = field.querySelector("[data-upload-row]").content.firstElementChild.cloneNode(true);
    const bar = row.querySelector("progress");
    const line = row.querySelector("[data-upload-words]");
    const pause = row.querySelector("[data-upload-pause]");
    const cancel = row.querySelector("[data-upload-cancel]");
    const page = row.querySelector("[data-upload-page]");
    const before = known(file);
    let sent = 0;
    let told = -1; // tenths that a screen reader has heard of
    let holds = false; // one of the places that go at once
    let ended = false;
    row.querySelector(".upload-name").textContent = file.name;
    bar.max = file.size || 1;
    bar.setAttribute("aria-label", file.name);
    line.textContent = words.waiting;
    if (before) {
      before.dataset.taken = "1";
      before.replaceWith(row);
    } else {
      list.prepend(row);
    }
    field.querySelector("[data-upload-title]").hidden = false;

    const release = () => {
      if (holds) busy--;
      holds = false;
      next();
    };
    const finish = (text) => {
      ended = true;
      line.textContent = text;
      pause.hidden = cancel.hidden = true;
      release();
    };
    if (file.size > Number(words.longest)) return finish(words.tooLong);

    const upload = new tus.Upload(file, {
      endpoint: words.uploads,
      uploadUrl: before ? before.dataset.upload : null,
      metadata: { filename: file.name, filetype: file.type, what: words.what, detail: words.detail },
      fingerprint: () => Promise.resolve(["upload", words.what, words.detail, file.name, file.type, file.size, file.lastModified].join("/")),
      retryDelays: [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000],
      removeFingerprintOnSuccess: true,
      onAfterResponse: (request, response) => {
        const to = response.getHeader("Upload-Page");
        if (to && to.startsWith("/") && !to.startsWith("//")) page.href = to;
      },
      onShouldRetry: (error) => {
        const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
        const again = status < 400 || status >= 500 || status === 408 || status === 409;
        if (again) line.textContent = words.retrying;
        return again;
      },
      onProgress: (done) => {
        sent = done;
        bar.value = done;
        const tenth = Math.floor((10 * done) / bar.max);
        if (tenth === told) return;
        told = tenth;
        line.textContent = amounts(words.sending, done, file.size);
      },
      onError: (error) => {
        told = -1;
        line.textContent = problem(error);
        pause.textContent = words.resume;
        release();
      },
      onSuccess: () => {
        bar.value = bar.max;
        finish(words.whole);
        if (!page.hasAttribute("href")) return;
        page.hidden = false;
        if (!input.multiple) location.assign(page.href);
      },
    });

    let looked = Boolean(before);
    const start = async () => {
      holds = true;
      pause.textContent = words.pause;
      if (!looked) {
        looked = true;
        const found = await upload.findPreviousUploads();
        if (found.length) upload.resumeFromPreviousUpload(found[0]);
      }
      if (holds && !ended) upload.start();
    };
    const queue = () => {
      waiting.push(start);
      next();
    };
    pause.addEventListener("click", () => {
      if (holds) {
        upload.abort();
        told = -1;
        line.textContent = amounts(words.paused, sent, file.size);
        pause.textContent = words.resume;
        release();
      } else if (waiting.includes(start)) {
        waiting.splice(waiting.indexOf(start), 1);
        line.textContent = amounts(words.paused, sent, file.size);
        pause.textContent = words.resume;
      } else {
        line.textContent = words.waiting;
        queue();
      }
    });
    cancel.addEventListener("click", async () => {
      ended = true;
      if (waiting.includes(start)) waiting.splice(waiting.indexOf(start), 1);
      try {
        await upload.abort(true);
      } catch {
        // It expires by itself if the server could not be told.
      }
      row.remove();
      release();
    });
    queue();
  };

  form.querySelector("button").hidden = true;
  input.addEventListener("change", () => {
    const files = [...input.files];
    if (!files.length) return;
    input.value = "";
    input.dispatchEvent(new Event("change", { bubbles: true })); // the list of what is chosen is empty again
    files.forEach(add);
  });
}
