// Draws the dates that a form asks for as marks on a line of time, to be dragged or moved by keyboard. The typed fields hold what
// counts: marks follow them, and a mark that is moved is written into its field.
"use strict";

for (const box of document.querySelectorAll("[data-timeline]")) {
  const DAY = 86400000;
  const lang = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang; // days before months, as all over the site
  const words = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeZone: "UTC" });
  const months = new Intl.DateTimeFormat(lang, { year: "numeric", month: "short", timeZone: "UTC" });
  const scale = box.querySelector("[data-timeline-scale]");
  let first = 0;
  let last = 1;
  let held = null; // the row whose mark is dragged: the scale stands still meanwhile

  const dayOf = (text) => (/^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) / DAY : NaN);
  const dateOf = (day) => new Date(day * DAY);
  const rows = [...box.querySelectorAll("[data-for]")].map((row) => ({
    row,
    field: document.getElementById(row.dataset.for),
    after: row.dataset.after, // the field that it follows where that is not the row above
    mark: row.querySelector("[role=slider]"),
    track: row.querySelector("[data-timeline-track]"),
    bar: row.querySelector("[data-timeline-bar]"),
    date: row.querySelector("[data-timeline-date]"),
  }));
  const chain = rows.filter((r) => !r.after);

  // limits gives the days between which a mark can stand: those of its neighbours, and what its field allows.
  const limits = (r) => {
    const at = r.after ? chain.findIndex((x) => x.field.id === r.after) + 1 : chain.indexOf(r);
    const before = chain.slice(0, at);
    const behind = r.after ? [] : [...chain.slice(at + 1), ...rows.filter((x) => x.after && chain.findIndex((y) => y.field.id === x.after) >= at)];
    const days = (list) => list.map((x) => dayOf(x.field.value)).filter((d) => !Number.isNaN(d));
    const least = Math.max(...days(before), Number.isNaN(dayOf(r.field.min)) ? -Infinity : dayOf(r.field.min));
    const most = Math.min(...days(behind), Number.isNaN(dayOf(r.field.max)) ? Infinity : dayOf(r.field.max));
    return [least, most];
  };

  const place = (day) => `${((day - first) / (last - first)) * 100}%`;

  const rescale = () => {
    const days = rows.map((r) => dayOf(r.field.value)).filter((d) => !Number.isNaN(d));
    if (!days.length) return;
    const pad = Math.max(14, Math.round((Math.max(...days) - Math.min(...days)) / 10));
    first = Math.min(...days) - pad;
    last = Math.max(...days) + pad;
    const most = Math.max(1, Math.floor(scale.clientWidth / 100));
    const step = [1, 2, 3, 6, 12, 24, 60].find((n) => (last - first) / 30 / n <= most) || 120;
    const ticks = [];
    const begin = dateOf(first);
    for (let year = begin.getUTCFullYear(), month = 0; ; month += step) {
      const day = Date.UTC(year, month, 1) / DAY;
      if (day > last - ((last - first) * 80) / scale.clientWidth) break;
      if (day < first) continue;
      const tick = document.createElement("span");
      tick.className = "timeline-tick";
      tick.textContent = months.format(dateOf(day));
      tick.style.insetInlineStart = place(day);
      ticks.push(tick);
    }
    scale.replaceChildren(...ticks);
  };

  const draw = () => {
    box.hidden = rows.every((r) => Number.isNaN(dayOf(r.field.value)));
    if (!held) rescale();
    for (const r of rows) {
      const day = dayOf(r.field.value);
      r.row.hidden = Number.isNaN(day);
      if (r.row.hidden) continue;
      const [least, most] = limits(r);
      const said = words.format(dateOf(day));
      r.mark.style.insetInlineStart = place(day);
      r.bar.style.insetInlineStart = place(day);
      r.date.textContent = said;
      r.mark.setAttribute("aria-valuenow", day);
      r.mark.setAttribute("aria-valuetext", said);
      r.mark.setAttribute("aria-valuemin", Number.isFinite(least) ? least : Math.floor(first));
      r.mark.setAttribute("aria-valuemax", Number.isFinite(most) ? most : Math.ceil(last));
      r.mark.setAttribute("aria-disabled", r.field.readOnly);
    }
  };

  const move = (r, day) => {
    if (r.field.readOnly || Number.isNaN(day)) return;
    const [least, most] = limits(r);
    const to = Math.round(least > most ? day : Math.min(Math.max(day, least), most));
    r.field.value = dateOf(to).toISOString().slice(0, 10);
    r.field.dispatchEvent(new Event("input", { bubbles: true }));
    r.field.dispatchEvent(new Event("change", { bubbles: true }));
  };

  for (const r of rows) {
    r.field.addEventListener("input", draw);
    r.mark.addEventListener("keydown", (event) => {
      const day = dayOf(r.field.value);
      const [least, most] = limits(r);
      const to = {
        ArrowRight: day + 1, ArrowUp: day + 1, ArrowLeft: day - 1, ArrowDown: day - 1, PageUp: day + 7, PageDown: day - 7, Home: least, End: most,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      if (Number.isFinite(to)) move(r, to);
    });
    const under = (event) => {
      const line = r.track.getBoundingClientRect();
      return first + ((event.clientX - line.left) / line.width) * (last - first);
    };
    r.mark.addEventListener("pointerdown", (event) => {
      held = r;
      r.mark.setPointerCapture(event.pointerId);
    });
    r.mark.addEventListener("pointermove", (event) => {
      if (held === r) move(r, under(event));
    });
    const drop = () => {
      held = null;
      draw();
    };
    r.mark.addEventListener("pointerup", drop);
    r.mark.addEventListener("pointercancel", drop);
  }
  draw();
  addEventListener("resize", draw);
}
