// Counts down what is left until a phase of an ending. Without it the page says what was left when it was drawn.
"use strict";

for (const time of document.querySelectorAll("time[data-left]")) {
  const words = time.dataset;
  const ends = Date.now() + 1000 * words.left;
  const show = () => {
    const minutes = Math.max(0, ends - Date.now()) / 60000;
    const [n, unit] = minutes >= 2880 ? [minutes / 1440, "day"] : minutes >= 120 ? [minutes / 60, "hour"] : [minutes, "minute"];
    const count = Math.floor(n);
    time.textContent = minutes ? words[count === 1 ? unit : unit + "s"].replace("#", count) : words.over;
  };
  show();
  setInterval(show, 10000);
}
