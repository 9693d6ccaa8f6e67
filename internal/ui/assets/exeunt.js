// All pages work without this file. It adds a button that copies, closes a menu
// on Escape or a tap elsewhere, keeps a form from being sent twice, lets an
// answer without the piece asked for (signed out meanwhile) load as a page, and
// has the bell follow what happens while the page is looked at.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.copied;
    } catch {
      field.select();
    }
  });
}

for (const button of document.querySelectorAll("[data-share]")) {
  if (!navigator.share) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.share({ url: button.dataset.share, title: button.dataset.shareTitle });
    } catch {
      // The person closed the sheet: the field above the button still has the address.
    }
  });
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A second tap while the first is under way would post twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A form whose hx-post is empty goes where its action says, and what has its id in the answer takes its place.
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement: form, request } = event.detail.ctx;
  if (request.action) return;
  request.action = form.getAttribute("action");
  event.detail.ctx.select = `#${form.id}`;
});

document.addEventListener("htmx:after:request", (event) => {
  const { select, text, response } = event.detail.ctx;
  if (!select || response.status >= 400 || text.includes(`id="${select.slice(1).split(" ")[0]}"`)) return;
  event.preventDefault();
  location.assign(response.raw.url);
});

const bell = document.querySelector("[data-live]");
if (bell && "EventSource" in window) {
  let stream = null;
  const show = (event) => {
    const { count, label } = JSON.parse(event.data);
    const mark = bell.querySelector(".count");
    mark.textContent = count;
    mark.hidden = !count;
    bell.setAttribute("aria-label", label);
    bell.title = label;
  };
  const stop = () => {
    if (stream) stream.close();
    stream = null;
  };
  // A browser has few connections to one host: only the page that is seen holds one.
  const follow = () => {
    if (document.visibilityState !== "visible") return stop();
    if (stream) return;
    stream = new EventSource(bell.dataset.live);
    stream.addEventListener("unread", show);
    stream.addEventListener("end", (event) => event.target.close());
  };
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", follow);
  follow();
}

// A form with data-passkey is sent with the browser's answer to a challenge, which it fetches first. A conditional one waits
// where the name is typed until a passkey is picked there.
const keyForms = document.querySelectorAll("form[data-passkey]");
if (keyForms.length && window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON) {
  let waiting = null; // the question that stands in the name field; there may be one at a time
  const ask = async (form, mediation) => {
    const answer = await fetch(form.dataset.passkey, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const { options, problem } = await answer.json();
    if (problem) throw new Error(problem);
    if (options.user) {
      return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
    }
    const request = { publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) };
    if (mediation) {
      waiting = new AbortController();
      Object.assign(request, { mediation, signal: waiting.signal });
    }
    return navigator.credentials.get(request);
  };
  const send = (form, key) => {
    form.elements.passkey.value = JSON.stringify(key.toJSON());
    form.submit();
  };
  const offer = async (form) => {
    if (waiting) waiting.abort();
    try {
      send(form, await ask(form, "conditional"));
    } catch {
      // Nobody asked for it aloud: the button and the password are there.
    }
  };
  for (const form of keyForms) {
    form.hidden = false;
    const none = form.previousElementSibling;
    if (none && none.hasAttribute("data-passkey-none")) none.hidden = true;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation(); // it is not sent yet
      const line = form.querySelector("[data-problem]");
      const button = form.querySelector("button");
      line.hidden = true;
      button.disabled = true;
      if (waiting) waiting.abort();
      try {
        send(form, await ask(form));
      } catch (e) {
        line.textContent = e instanceof DOMException || e instanceof TypeError || e instanceof SyntaxError ? form.dataset.failed : e.message;
        line.hidden = false;
      }
      button.disabled = false;
    });
    if ("conditional" in form.dataset && PublicKeyCredential.isConditionalMediationAvailable) {
      PublicKeyCredential.isConditionalMediationAvailable().then((can) => {
        if (!can) return;
        offer(form);
        setInterval(() => offer(form), 240000); // a challenge lives for five minutes
      });
    }
  }
}

// The images of a post open in a viewer on the page. Without scripts, or with a key held that opens a tab, each is a plain link.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-viewer] a.image");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (!window.HTMLDialogElement) return;
  event.preventDefault();
  openViewer(link.closest("[data-viewer]"), link);
});

function openViewer(grid, first) {
  const links = [...grid.querySelectorAll("a.image")];
  const words = grid.dataset;
  const make = (tag, name, more) => Object.assign(document.createElement(tag), { className: name }, more);
  const button = (label, sign) => {
    const b = make("button", "viewer-button", { type: "button", textContent: sign });
    b.setAttribute("aria-label", label);
    return b;
  };
  const dialog = make("dialog", "viewer", { tabIndex: -1 });
  dialog.setAttribute("aria-label", words.title);
  const bar = make("div", "viewer-bar");
  const count = make("span", "tabular");
  count.setAttribute("aria-live", "polite");
  const close = button(words.close, "✕");
  const stage = make("div", "viewer-stage");
  const before = button(words.before, "‹");
  const after = button(words.after, "›");
  const image = make("img", "", { decoding: "async" });
  const alt = make("p", "viewer-alt");
  bar.append(count, close);
  stage.append(before, image, after);
  dialog.append(bar, stage, alt);
  document.body.append(dialog);

  let at = links.indexOf(first);
  const show = (next) => {
    at = Math.max(0, Math.min(links.length - 1, next));
    const small = links[at].querySelector("img");
    image.src = links[at].href;
    image.alt = small.alt;
    alt.textContent = small.alt;
    count.textContent = `${at + 1} / ${links.length}`;
    before.disabled = at === 0;
    after.disabled = at === links.length - 1;
    before.hidden = after.hidden = links.length === 1;
    // A button that has come to its end would take the keyboard with it, out of the viewer.
    if (document.activeElement?.disabled) dialog.focus();
  };
  before.addEventListener("click", () => show(at - 1));
  after.addEventListener("click", () => show(at + 1));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
  let down = null; // where a finger or the mouse went down
  stage.addEventListener("pointerdown", (event) => { down = event.isPrimary ? event : null; });
  stage.addEventListener("pointerup", (event) => {
    if (!down || !event.isPrimary) return;
    const x = event.clientX - down.clientX;
    const y = event.clientY - down.clientY;
    down = null;
    if (Math.abs(x) > 48 && Math.abs(x) > 2 * Math.abs(y)) show(at + (x < 0 ? 1 : -1));
  });
  image.addEventListener("dragstart", (event) => event.preventDefault());
  dialog.addEventListener("close", () => {
    dialog.remove();
    links[at].focus();
  });
  show(at);
  dialog.showModal();
  // Not a button: the key that opened the viewer is still down, and would press it.
  dialog.focus();
}

// A form with data-work has a number found for it beside the page, while one types. Sent before that, it goes when it is found.
const workForm = document.querySelector("form[data-work]");
if (workForm && window.Worker) {
  const { challenge, nonce } = workForm.elements;
  const shown = workForm.querySelector("[data-work-shown]");
  let sending = null;
  workForm.querySelector("[data-work-wait]").hidden = true;
  shown.hidden = false;
  const worker = new Worker(workForm.dataset.work);
  worker.addEventListener("message", ({ data }) => {
    if (data.part !== undefined) {
      shown.querySelector("progress").value = 100 * data.part;
      return;
    }
    nonce.value = data.nonce;
    shown.hidden = true;
    workForm.querySelector("[data-work-done]").hidden = false;
    worker.terminate();
    if (sending) workForm.requestSubmit(sending);
  });
  worker.postMessage({ challenge: challenge.value, bits: Number(workForm.dataset.bits) });
  workForm.addEventListener("submit", (event) => {
    if (nonce.value) return;
    event.preventDefault();
    event.stopPropagation(); // it is not sent yet
    sending = event.submitter;
    shown.scrollIntoView({ block: "nearest" });
  });
}

// What was chosen to be sent is listed, in the order in which it goes; what is asked of it (data-files) is shown with it.
for (const input of document.querySelectorAll(".file-input")) {
  const names = input.parentElement.querySelector(".file-names");
  const asked = document.querySelector(`[data-files="${input.id}"]`);
  const list = () => {
    names.replaceChildren(...[...input.files].map((file) => {
      const line = document.createElement("li");
      line.textContent = file.name;
      return line;
    }));
    if (asked && input.files.length) asked.classList.add("shown");
  };
  input.addEventListener("change", list);
  addEventListener("pageshow", list);
}
