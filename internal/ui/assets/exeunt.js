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

document.addEventListener("htmx:after:request", (event) => {
  const { select, text, response } = event.detail.ctx;
  if (!select || response.status >= 400 || text.includes(`id="${select.slice(1)}"`)) return;
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
