// A player works without this file, with the browser's own controls. It adds HLS where a browser does not play that by itself, speed, keys,
// picture in picture, a mode that saves data, bullet comments, and has a strip of players play only the one in sight. Choices are kept in
// this browser alone. What was watched is told in sums: see views.go. Twice a second it asks whether what it plays is still there, and stops if not: of
// a film the browser has loaded more than is seen.

const keep = {
  read(name) {
    try {
      return localStorage.getItem("player." + name);
    } catch {
      return null; // the browser keeps nothing for this page
    }
  },
  write(name, value) {
    try {
      localStorage.setItem("player." + name, value);
    } catch {
      // as above: the choice holds for this page
    }
  },
};

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const saving = () => (keep.read("saver") ?? (navigator.connection?.saveData ? "1" : "0")) === "1";
const all = new Set();
const scripts = new Map();

function load(src) {
  if (!scripts.has(src)) {
    scripts.set(src, new Promise((resolve, reject) => {
      const tag = Object.assign(document.createElement("script"), { src });
      tag.addEventListener("load", resolve);
      tag.addEventListener("error", () => {
        scripts.delete(src);
        reject(new Error("the player's program did not load"));
      });
      document.head.append(tag);
    }));
  }
  return scripts.get(src);
}

class Player {
  constructor(box) {
    this.box = box;
    this.video = box.querySelector("video");
    this.words = box.dataset;
    this.note = box.querySelector("[data-player-note]");
    this.hls = null;
    this.gone = false;
    this.checking = false;
    this.strip = box.classList.contains("player-strip");
    this.find("[data-player-bar]", (bar) => (bar.hidden = false));
    this.begin();
    this.bar();
    this.resume();
    new Watch(this);
    this.watchOver();
    if (this.words.bullets) this.bullets = new Bullets(this);
    this.video.addEventListener("error", () => this.failed(), true);
  }

  find(what, then) {
    const found = this.box.querySelector(what);
    if (found) then(found);
    return found;
  }

  say(text, seconds) {
    this.note.textContent = text;
    this.note.hidden = false;
    if (seconds) setTimeout(() => (this.note.hidden = true), seconds * 1000);
  }

  failed() {
    const { video } = this;
    if (this.gone) return;
    // A source that fails is followed by the next one; only the last is the end of it.
    if (this.hls || !video.error && video.networkState !== HTMLMediaElement.NETWORK_NO_SOURCE) return;
    this.say(this.note.dataset.failed);
    this.check();
  }

  native() {
    return this.video.canPlayType("application/vnd.apple.mpegurl") !== "";
  }

  begin() {
    if (!this.words.hls) return;
    if (this.native()) {
      if (saving()) this.source(this.words.saver || this.words.hls);
      return;
    }
    if (!window.MediaSource && !window.ManagedMediaSource) return;
    if (this.strip) return; // once it is in sight
    this.attach();
  }

  async attach() {
    if (this.gone || this.hls || this.native() || !this.words.hls || (!window.MediaSource && !window.ManagedMediaSource)) return;
    try {
      await load(this.words.hlsScript);
    } catch {
      return; // the file beneath the playlist plays as it is
    }
    const { Hls } = window;
    if (this.gone || this.hls || !Hls || !Hls.isSupported()) return;
    const hls = new Hls({ enableWorker: false, maxBufferLength: 30, capLevelToPlayerSize: true, startPosition: this.video.currentTime || -1 });
    this.hls = hls;
    let mended = false;
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.cap());
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !mended) {
        mended = true;
        hls.recoverMediaError();
        return;
      }
      hls.destroy();
      this.hls = null;
      this.say(this.note.dataset.failed);
      this.check();
    });
    const playing = !this.video.paused;
    hls.loadSource(this.words.hls);
    hls.attachMedia(this.video);
    if (playing) this.play();
  }

  detach() {
    if (this.hls) this.hls.destroy();
    this.hls = null;
  }

  // While the video plays and is seen, it is asked twice a second whether it is still there for the viewer: it stops within one.
  watchOver() {
    const { video } = this;
    let timer = 0;
    const ask = () => {
      if (document.visibilityState === "visible" || document.pictureInPictureElement === video) this.check();
    };
    video.addEventListener("play", () => {
      clearInterval(timer);
      timer = setInterval(ask, 500);
      ask();
    });
    video.addEventListener("pause", () => clearInterval(timer));
  }

  async check() {
    const address = this.words.hls || this.video.querySelector("source")?.src;
    if (this.gone || this.checking || !address) return;
    this.checking = true;
    try {
      const { status, type } = await fetch(address, { method: "HEAD", cache: "no-store", redirect: "manual" });
      if (status === 404 || status === 410 || type === "opaqueredirect") this.vanish(); // who has left may lead elsewhere
    } catch {
      // the network: what has come is watched to its end
    }
    this.checking = false;
  }

  // What is played is not there any more: nothing of it is shown, and a sentence says so.
  vanish() {
    const { video } = this;
    this.gone = true;
    this.detach();
    video.pause();
    for (const node of video.querySelectorAll("source, track")) node.remove();
    for (const name of ["src", "poster", "controls"]) video.removeAttribute(name);
    video.load();
    for (const node of this.box.querySelectorAll("[data-player-bar], [data-player-bullet-box], [data-player-bullets]")) node.remove();
    this.say(this.note.dataset.gone);
  }

  // The best rendition that who saves data is shown.
  cap() {
    if (!this.hls) return;
    const most = Number(this.words.saverLines);
    const fits = this.hls.levels.filter((l) => l.height <= most).length;
    this.hls.autoLevelCapping = saving() ? Math.max(0, fits - 1) : -1;
  }

  // Changes what is played and goes on at the same moment.
  source(src) {
    const { video } = this;
    const at = video.currentTime;
    const playing = !video.paused;
    const rate = video.playbackRate;
    video.src = src;
    if (at) video.addEventListener("loadedmetadata", () => (video.currentTime = at), { once: true });
    video.playbackRate = rate;
    if (playing) this.play();
  }

  play() {
    return this.video.play().catch(() => false); // the browser wants a tap first
  }

  resume() {
    const at = Number(this.words.resume);
    const { video } = this;
    if (!(at > 5)) return;
    const go = () => {
      if (Number.isFinite(video.duration) && at > video.duration - 10) return;
      video.currentTime = at;
      this.say(this.note.dataset.resumed, 4);
    };
    if (video.readyState > 0) go();
    else video.addEventListener("loadedmetadata", go, { once: true });
  }

  bar() {
    const { video } = this;
    this.find("[data-player-speed]", (select) => {
      const set = () => {
        video.defaultPlaybackRate = Number(select.value);
        video.playbackRate = Number(select.value);
      };
      const kept = keep.read("speed");
      if (kept && [...select.options].some((o) => o.value === kept)) select.value = kept;
      set();
      select.addEventListener("change", () => {
        keep.write("speed", select.value);
        set();
      });
    });
    this.find("[data-player-saver]", (button) => {
      button.setAttribute("aria-pressed", saving());
      button.addEventListener("click", () => {
        keep.write("saver", saving() ? "0" : "1");
        button.setAttribute("aria-pressed", saving());
        if (this.hls) this.cap();
        else if (this.native()) this.source(saving() ? this.words.saver : this.words.hls);
      });
    });
    this.find("[data-player-captions]", (button) => {
      const show = () => button.setAttribute("aria-pressed", [...video.textTracks].some((t) => t.mode === "showing"));
      button.addEventListener("click", () => this.captions());
      video.textTracks.addEventListener("change", show);
      if (keep.read("captions") === "1") this.captions();
    });
    this.find("[data-player-pip]", (button) => {
      if (!document.pictureInPictureEnabled) return;
      button.hidden = false;
      button.addEventListener("click", () => this.small());
    });
    this.find("[data-player-full]", (button) => {
      if (!document.fullscreenEnabled) button.hidden = true;
      button.addEventListener("click", () => this.full());
    });
    this.find("[data-player-keys]", (box) => {
      box.checked = keep.read("keys") !== "0";
      box.addEventListener("change", () => keep.write("keys", box.checked ? "1" : "0"));
    });
  }

  captions() {
    const tracks = [...this.video.textTracks].filter((t) => t.kind === "subtitles");
    if (!tracks.length) return;
    const shown = tracks.find((t) => t.mode === "showing");
    const wanted = tracks.find((t) => t.language && document.documentElement.lang.startsWith(t.language.slice(0, 2))) ?? tracks[0];
    for (const t of tracks) t.mode = "disabled";
    if (!shown) wanted.mode = "showing";
    keep.write("captions", shown ? "0" : "1");
  }

  small() {
    if (!document.pictureInPictureEnabled) return;
    const done = document.pictureInPictureElement ? document.exitPictureInPicture() : this.video.requestPictureInPicture();
    done.catch(() => {}); // the browser says why by itself
  }

  full() {
    const done = document.fullscreenElement ? document.exitFullscreen() : this.box.querySelector(".player-stage").requestFullscreen();
    done.catch(() => {}); // as above
  }

  jump(seconds) {
    const { video } = this;
    const end = Number.isFinite(video.duration) ? video.duration : Infinity;
    video.currentTime = Math.max(0, Math.min(end, video.currentTime + seconds));
  }

  key(name) {
    const { video } = this;
    const frame = 1 / 25;
    if (this.gone) return false;
    switch (name) {
      case " ":
      case "k":
        if (video.paused) this.play();
        else video.pause();
        return true;
      case "j": this.jump(-10); return true;
      case "l": this.jump(10); return true;
      case "ArrowLeft": this.jump(-5); return true;
      case "ArrowRight": this.jump(5); return true;
      case "ArrowUp": video.volume = Math.min(1, video.volume + 0.1); return true;
      case "ArrowDown": video.volume = Math.max(0, video.volume - 0.1); return true;
      case ",": video.pause(); this.jump(-frame); return true;
      case ".": video.pause(); this.jump(frame); return true;
      case "m": video.muted = !video.muted; return true;
      case "f": this.full(); return true;
      case "c": this.captions(); return true;
      case "p": this.small(); return true;
    }
    return false;
  }
}

// Watch tells that the video is watched: once after three seconds or half of it, then how much.
class Watch {
  constructor(player) {
    this.player = player;
    this.watched = 0;
    this.told = 0;
    this.first = true;
    this.last = null;
    if (!player.words.seen) return;
    const { video } = player;
    video.addEventListener("timeupdate", () => this.step());
    video.addEventListener("pause", () => this.flush());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.flush();
    });
    addEventListener("pagehide", () => this.flush());
  }

  step() {
    const { video } = this.player;
    const at = performance.now();
    if (this.last !== null && !video.paused && !video.seeking) this.watched += Math.min(1, (at - this.last) / 1000);
    this.last = video.paused ? null : at;
    const enough = Math.min(3, (video.duration || 6) / 2);
    if (this.first ? this.watched >= enough : this.watched - this.told >= 30) this.flush(true);
  }

  flush(due) {
    if (this.first && !due) return;
    const more = Math.floor(this.watched - this.told);
    if (!this.first && more < 1) return;
    this.first = false;
    this.told += more;
    const body = new URLSearchParams({ source: this.player.words.source || "direct", watched: more, position: Math.floor(this.player.video.currentTime) });
    fetch(this.player.words.seen, { method: "POST", body, keepalive: true }).catch(() => {}); // a view that is not counted is nobody's loss
  }
}

const windowLength = 30000; // milliseconds of bullet comments that are asked for at once

class Bullets {
  constructor(player) {
    this.player = player;
    this.layer = player.find("[data-player-bullets]", () => {});
    this.box = player.find("[data-player-bullet-box]", (box) => (box.hidden = false));
    this.list = player.find("[data-player-bullet-list]", () => {});
    this.windows = new Map(); // number of the window -> its comments, or null while they are on their way
    this.lanes = [];
    this.flying = new Set();
    this.from = 0;
    this.shown = -1;
    this.on = keep.read("bullets") !== "0";
    const { video } = player;
    player.find("[data-player-bullets-switch]", (button) => {
      const show = () => {
        button.setAttribute("aria-pressed", this.on);
        if (this.box) this.box.hidden = !this.on;
        if (!this.on) this.clear();
        else this.read(true);
      };
      button.addEventListener("click", () => {
        this.on = !this.on;
        keep.write("bullets", this.on ? "1" : "0");
        show();
      });
      show();
    });
    player.find("[data-player-bullet-form]", (form) => this.form(form));
    if (this.list) {
      this.list.open = calm.matches;
      this.list.addEventListener("toggle", () => this.read(true));
    }
    video.addEventListener("timeupdate", () => this.step());
    video.addEventListener("seeking", () => this.clear());
    video.addEventListener("pause", () => this.each((a) => a.pause()));
    video.addEventListener("playing", () => this.each((a) => a.play()));
  }

  each(what) {
    for (const a of this.flying) what(a);
  }

  now() {
    return this.player.video.currentTime * 1000;
  }

  clear() {
    this.each((a) => a.cancel());
    this.flying.clear();
    this.lanes = [];
    this.from = this.now();
  }

  async want(n) {
    if (n < 0 || this.windows.has(n)) return;
    this.windows.set(n, null);
    try {
      const answer = await fetch(`${this.player.words.bullets}?from=${n * windowLength}&to=${(n + 1) * windowLength}`);
      if (!answer.ok) throw new Error(answer.status);
      this.windows.set(n, (await answer.json()).bullets);
      if (n === this.shown) this.read(true);
    } catch {
      setTimeout(() => this.windows.delete(n), 15000); // asked for again later
    }
  }

  step() {
    if (!this.on || this.player.gone) return;
    const { video } = this.player;
    const now = this.now();
    const n = Math.floor(now / windowLength);
    this.want(n);
    if (now % windowLength > windowLength / 2) this.want(n + 1);
    if (n !== this.shown) this.read();
    if (now < this.from || now - this.from > 2000) this.from = now;
    if (!video.paused && !calm.matches) {
      for (const b of this.windows.get(n) ?? []) if (b.at >= this.from && b.at < now) this.fly(b);
    }
    this.from = now;
  }

  fly(b) {
    if (!this.layer || this.flying.size > 40) return;
    const high = this.layer.clientHeight;
    const wide = this.layer.clientWidth;
    const lane = this.free(Math.max(1, Math.floor((high * 0.6) / 32)));
    if (lane < 0) return;
    const words = document.createElement("span");
    words.className = b.mine ? "bullet bullet-mine" : "bullet";
    words.textContent = b.text;
    words.style.top = `${lane * 32 + 8}px`;
    this.layer.append(words);
    const long = words.offsetWidth;
    const time = 8000;
    this.lanes[lane] = performance.now() + (time * long) / (wide + long) + 300;
    const motion = words.animate([{ transform: `translateX(${wide}px)` }, { transform: `translateX(${-long}px)` }], { duration: time });
    this.flying.add(motion);
    const end = () => {
      this.flying.delete(motion);
      words.remove();
    };
    motion.addEventListener("finish", end);
    motion.addEventListener("cancel", end);
  }

  free(most) {
    const now = performance.now();
    for (let i = 0; i < most; i++) if (!(this.lanes[i] > now)) return i;
    return -1;
  }

  // The quiet list: the comments of the window that is played, each with the way to report or delete it.
  read(again) {
    const n = Math.floor(this.now() / windowLength);
    if (!again && n === this.shown) return;
    this.shown = n;
    this.want(n);
    if (!this.list || !this.list.open) return;
    const rows = (this.windows.get(n) ?? []).map((b) => this.row(b));
    if (!rows.length) rows.push(Object.assign(document.createElement("li"), { className: "soft", textContent: this.box.dataset.none }));
    this.list.querySelector("ol").replaceChildren(...rows);
  }

  row(b) {
    const row = document.createElement("li");
    const s = Math.floor(b.at / 1000);
    const time = Object.assign(document.createElement("span"), { className: "tabular soft", textContent: `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}` });
    const words = Object.assign(document.createElement("span"), { className: "bullet-words", textContent: b.text });
    row.append(time, words);
    const link = document.createElement("a");
    if (b.remove) Object.assign(link, { href: `${b.remove}?back=${encodeURIComponent(location.pathname)}`, textContent: this.box.dataset.remove });
    else if (b.report) Object.assign(link, { href: b.report, textContent: this.box.dataset.report });
    if (link.href) row.append(link);
    return row;
  }

  form(form) {
    const field = form.elements.text;
    const problem = this.box.querySelector("[data-player-bullet-problem]");
    const wrong = (text) => {
      problem.textContent = text;
      problem.hidden = !text;
      field.toggleAttribute("aria-invalid", Boolean(text));
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation(); // it is not sent as a page
      const text = field.value.trim();
      if (!text) return;
      const moment = Math.floor(this.now());
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const answer = await fetch(this.player.words.bullets, { method: "POST", body: new URLSearchParams({ text, moment }) });
        const told = await answer.json();
        if (answer.ok) {
          field.value = "";
          wrong("");
          const n = Math.floor(moment / windowLength);
          this.windows.set(n, [...(this.windows.get(n) ?? []), told.bullet].sort((a, b) => a.at - b.at));
          if (!calm.matches) this.fly(told.bullet);
          this.read(true);
        } else {
          wrong(told.problem);
        }
      } catch {
        wrong(this.box.dataset.offline);
      }
      button.disabled = false;
      field.focus();
    });
  }
}

// In a strip only the player in sight plays: with sound if the browser allows it, muted if it allows that, else it waits for a tap. Who saves data or
// wants less motion taps.
const sight = new IntersectionObserver((entries) => {
  for (const e of entries) {
    const player = e.target.player;
    if (!e.isIntersecting) {
      player.video.pause();
      player.detach();
      continue;
    }
    if (player.gone) continue;
    player.video.preload = "auto";
    player.attach().then(async () => {
      if (calm.matches || saving() || player.video.dataset.stopped) return;
      player.video.muted = keep.read("sound") !== "1";
      try {
        await player.video.play();
      } catch {
        player.video.muted = true;
        player.play();
      }
    });
  }
}, { threshold: 0.6 });

function start(box) {
  if (box.player) return;
  box.player = new Player(box);
  all.add(box.player);
  if (!box.player.strip) return;
  box.player.video.addEventListener("volumechange", () => keep.write("sound", box.player.video.muted ? "0" : "1"));
  sight.observe(box);
}

for (const box of document.querySelectorAll("[data-player]")) start(box);
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) {
      if (!(node instanceof Element)) continue;
      if (node.matches("[data-player]")) start(node);
      for (const box of node.querySelectorAll("[data-player]")) start(box);
    }
  }
}).observe(document.body, { childList: true, subtree: true });

// Keys go to the player that has the focus; without one, and if the person lets them, to the one that plays, or the only one.
function playerOf(target) {
  const box = target.closest?.("[data-player]");
  if (box) return box.player;
  if (target !== document.body && target.id !== "main" || keep.read("keys") === "0") return null;
  const there = [...all].filter((p) => p.box.isConnected);
  return there.find((p) => !p.video.paused) ?? (there.length === 1 ? there[0] : null);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const at = event.target;
  if (at.closest("input, textarea, select, [contenteditable]")) return;
  if (at.closest("button, a, summary") && (event.key === " " || event.key === "Enter")) return;
  const player = playerOf(at);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!player || player.strip && key.startsWith("Arrow") || !player.key(key)) return;
  event.preventDefault();
  event.stopPropagation();
}, true);
