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
