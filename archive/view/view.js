// The page of an archive: reads the data files beside it by adding script
// elements, because a page opened from a folder may read nothing in another way.
"use strict";
(() => {
  const words = {
    zh: {
      other: "English", skip: "跳到内容", search: "搜索，几个字也行", more: "再看一些", all: "全部", year: y => y + " 年",
      month: m => Number(m) + " 月", made: (d, v) => "存于 " + d + (v > 1 ? "，第 " + v + " 卷" : ""),
      shown: (n, all) => "已显示 " + n + " 条，共 " + all + " 条", found: (n, seen, all) => "找到 " + n + " 条（已查 " + seen + " / " + all + "）",
      none: "这里没有内容。", lacking: n => "有 " + n + " 个文件没能收进来，名单在 exeunt/manifest.json。", partly: "这只是其中一卷，后面还有。", since: d => "只含 " + d + " 以后的内容。", bare: "没有收图片和视频。", gone: "文件不在存档里", failed: "有一个数据文件打不开。请把存档完整解压后再打开 index.html。",
      edited: "改于 ", reply: "回复 ", likes: n => n + " 个赞", comments: n => n + " 条评论", warning: "提醒：", members: n => n + " 位成员", posts: n => n + " 篇帖子", rules: "圈规", views: n => n + " 次播放", watched: n => "共看了 " + Math.round(n / 60) + " 分钟", videos: n => n + " 个视频",
      audience: { public: "公开", unlisted: "不列出", followers: "仅关注者", circle: "圈子", "only-me": "仅自己", direct: "私信" },
      kind: { boost: "转发", like: "赞过", bookmark: "收藏" },
      classes: { "post.posts": "帖子", "post.links": "转发和收藏", "talk.comments": "我的评论", "talk.received": "收到的评论", "talk.likes": "赞过", "talk.favourites": "收藏", "relation.following": "我关注的", "relation.followers": "关注我的", "relation.blocks": "拉黑的人", "relation.mutes": "静音的人", "relation.quiets": "静音的圈子和话题", "circle.circles": "我的圈子", "circle.memberships": "加入的圈子", "circle.notices": "圈子公告", "circle.farewells": "圈子的去处", "circle.posts": "圈里的帖子", "circle.comments": "圈里的评论", "channel.videos": "视频", "channel.drafts": "没发布的视频", "channel.collections": "合集", "channel.statistics": "播放统计", "channel.history": "观看记录" },
    },
    en: {
      other: "中文", skip: "Skip to contents", search: "Search, parts of words too", more: "Show more", all: "All", year: y => String(y),
      month: m => new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" }).format(new Date("2000-" + m + "-01T00:00:00Z")),
      made: (d, v) => "Kept on " + d + (v > 1 ? ", volume " + v : ""),
      shown: (n, all) => n + " of " + all + " shown", found: (n, seen, all) => n + " found (" + seen + " of " + all + " searched)",
      none: "Nothing here.", lacking: n => n + (n === 1 ? " file" : " files") + " could not be included; exeunt/manifest.json names them.", partly: "This is one volume; more follow.", since: d => "Only what is from " + d + " or later.", bare: "Pictures and videos were left out.", gone: "This file is not in the archive", failed: "A data file could not be opened. Unpack the whole archive, then open index.html again.",
      edited: "edited ", reply: "in reply to ", likes: n => n + (n === 1 ? " like" : " likes"), comments: n => n + (n === 1 ? " comment" : " comments"), warning: "Warning: ",
      members: n => n + (n === 1 ? " member" : " members"), posts: n => n + (n === 1 ? " post" : " posts"), rules: "Rules", views: n => n + (n === 1 ? " view" : " views"), watched: n => Math.round(n / 60) + " minutes watched", videos: n => n + (n === 1 ? " video" : " videos"),
      audience: { public: "Public", unlisted: "Unlisted", followers: "Followers", circle: "Circle", "only-me": "Only me", direct: "Direct" },
      kind: { boost: "Boosted", like: "Liked", bookmark: "Bookmarked" },
      classes: { "post.posts": "Posts", "post.links": "Boosts and bookmarks", "talk.comments": "My comments", "talk.received": "Comments received", "talk.likes": "Liked", "talk.favourites": "Favourites", "relation.following": "Following", "relation.followers": "Followers", "relation.blocks": "Blocked", "relation.mutes": "Muted", "relation.quiets": "Circles and topics muted", "circle.circles": "My circles", "circle.memberships": "Circles joined", "circle.notices": "Notices", "circle.farewells": "Where circles went", "circle.posts": "Posts of the circle", "circle.comments": "Comments in the circle", "channel.videos": "Videos", "channel.drafts": "Videos never published", "channel.collections": "Collections", "channel.statistics": "Statistics of views", "channel.history": "Watched" },
    },
  };
  const pageSize = 50;
  const index = window.exeuntIndex;
  const $ = id => document.getElementById(id);
  const state = { lang: (navigator.language || "zh").toLowerCase().startsWith("zh") ? "zh" : "en", tab: "post.posts", query: "", month: "" };
  let turn = 0; // grows with each new view; work for an older one stops
  let source = null; // what is still to be shown

  const loaded = new Map();
  const waiting = new Map();
  window.exeuntData = (name, records) => { const done = waiting.get(name); if (done) done(records); };
  function load(name) {
    if (!loaded.has(name)) {
      loaded.set(name, new Promise((resolve, reject) => {
        waiting.set(name, resolve);
        const script = document.createElement("script");
        script.src = "exeunt/data/" + name + ".js";
        script.onerror = () => { loaded.delete(name); reject(new Error(name)); };
        document.head.append(script);
      }));
    }
    return loaded.get(name);
  }

  const t = () => words[state.lang];
  function el(tag, cls, ...children) {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    e.append(...children.filter(c => c !== null && c !== undefined && c !== ""));
    return e;
  }
  const locale = () => (state.lang === "zh" ? "zh-CN" : "en-GB");
  const date = s => new Intl.DateTimeFormat(locale(), { dateStyle: "long", timeStyle: "short" }).format(new Date(s));
  function time(s, before) {
    if (!s) return null;
    const e = el("time", "", (before || "") + date(s));
    e.dateTime = s;
    return e;
  }
  function linked(text) {
    const out = el("span"), pattern = /https?:\/\/[^\s<>"'「」『』（），。；！？、]+/g;
    let at = 0;
    for (const m of text.matchAll(pattern)) {
      const a = el("a", "", m[0]);
      a.href = m[0];
      a.rel = "noreferrer noopener nofollow";
      out.append(text.slice(at, m.index), a);
      at = m.index + m[0].length;
    }
    out.append(text.slice(at));
    return out;
  }
  // A path is followed only if it stays in this folder.
  function localPath(p) {
    if (!p || /^[/\\]|[:\\]|(^|\/)\.\.?(\/|$)/.test(p)) return "";
    return p.split("/").map(encodeURIComponent).join("/");
  }
  const gone = alt => el("p", "gone", t().gone + (alt ? (state.lang === "zh" ? "：" : ": ") + alt : ""));
  function picture(i) {
    const src = localPath(i.path);
    if (!src || i.missing || !index.scope.media) return gone(i.alt);
    const video = (i.type || "").startsWith("video/");
    const e = el(video ? "video" : "img");
    if (video) { e.controls = true; e.preload = "none"; if (i.alt) e.setAttribute("aria-label", i.alt); } else { e.loading = "lazy"; e.alt = i.alt || ""; }
    if (i.width && i.height) { e.width = i.width; e.height = i.height; }
    const figure = el("figure", "", e, i.alt ? el("figcaption", "", i.alt) : null);
    e.onerror = () => figure.replaceWith(gone(i.alt));
    e.src = src;
    return figure;
  }

  const show = {
    "post.posts": p => {
      const body = el("div", "text", linked(p.text || ""));
      if (p.language) body.lang = p.language;
      const images = p.images && p.images.length ? el("div", "images", ...p.images.map(picture)) : null;
      const hidden = p.summary ? el("details", "", el("summary", "", t().warning + p.summary), body, images) : null;
      return el("article", "",
        el("div", "meta soft", time(p.published), p.author ? el("span", "", p.author) : null, el("span", "", p.circle_name || t().audience[p.audience] || p.audience), time(p.edited, t().edited)),
        p.in_reply_to ? el("p", "about soft", t().reply, linked(p.in_reply_to)) : null,
        hidden || body, hidden ? null : images,
        p.likes || p.comments ? el("div", "meta soft", p.likes ? el("span", "", t().likes(p.likes)) : null, p.comments ? el("span", "", t().comments(p.comments)) : null) : null);
    },
    comment: c => el("article", "", el("div", "meta soft", time(c.published), c.author ? el("span", "", c.author) : null, time(c.edited, t().edited)), about(c.on), el("div", "text", linked(c.text || ""))),
    mark: m => el("article", "", el("div", "meta soft", time(m.at)), about(m.on)),
    link: l => el("article", "", el("div", "meta soft", el("span", "", t().kind[l.kind] || l.kind), time(l.at)), linked(l.uri)),
    follow: f => el("article", "", el("div", "text", f.address), el("div", "meta soft", time(f.since))),
    circle: c => el("article", "", el("div", "text", c.name), el("div", "meta soft", time(c.created || c.joined), c.members ? el("span", "", t().members(c.members)) : null, c.posts ? el("span", "", t().posts(c.posts)) : null), c.intro ? el("div", "text", linked(c.intro)) : null, c.rules ? el("details", "", el("summary", "", t().rules), el("div", "text", linked(c.rules))) : null),
    video: v => el("article", "", el("h2", "", v.title), el("div", "meta soft", time(v.at), el("span", "", t().audience[v.audience] || v.audience)),
      picture({ path: v.file, type: "video/", missing: v.missing, alt: v.title, width: v.width, height: v.height }), el("div", "text", linked(v.text || "")),
      v.views || v.likes || v.comments ? el("div", "meta soft", v.views ? el("span", "", t().views(v.views)) : null, v.likes ? el("span", "", t().likes(v.likes)) : null, v.comments ? el("span", "", t().comments(v.comments)) : null) : null),
    collection: c => el("article", "", el("div", "text", c.title), el("div", "meta soft", time(c.created), el("span", "", t().videos((c.videos || []).length))), c.text ? el("div", "text", linked(c.text)) : null),
    day: d => el("article", "", el("div", "meta soft", el("span", "", d.day), el("span", "", d.source), el("span", "", t().views(d.views)), d.watched ? el("span", "", t().watched(d.watched)) : null)),
    notice: n => el("article", "", el("div", "meta soft", time(n.published), n.author ? el("span", "", n.author) : null, n.circle_name ? el("span", "", n.circle_name) : null), el("div", "text", linked([n.text, n.link].filter(Boolean).join("\n")))),
  };
  function about(on) {
    if (!on) return null;
    return el("p", "about soft", on.excerpt || "", on.excerpt && on.uri ? el("br") : null, on.uri ? linked(on.uri) : null);
  }
  const shape = { "post.posts": "post.posts", "post.links": "link", "talk.comments": "comment", "talk.received": "comment", "talk.likes": "mark", "talk.favourites": "mark", "relation.following": "follow", "relation.followers": "follow", "relation.blocks": "follow", "relation.mutes": "follow", "relation.quiets": "circle", "circle.circles": "circle", "circle.memberships": "circle", "circle.notices": "notice", "circle.farewells": "notice", "circle.posts": "post.posts", "circle.comments": "comment", "channel.videos": "video", "channel.drafts": "video", "channel.collections": "collection", "channel.statistics": "day", "channel.history": "mark" };

  const fold = s => s.normalize("NFKC").toLowerCase();
  function wordsOf(r) {
    const on = r.on || {};
    return fold([r.title, r.text, r.summary, r.day, r.circle_name, r.name, r.intro, r.address, r.uri, r.author, r.in_reply_to, on.excerpt, on.uri, ...(r.images || []).map(i => i.alt)].filter(Boolean).join("\n"));
  }

  function chunks() {
    if (state.tab !== "post.posts") {
      const list = index.lists.find(l => l.class === state.tab);
      return { names: list ? list.chunks.map(c => ({ file: c, count: 0 })) : [], total: list ? list.count : 0 };
    }
    const fits = c => !state.month || Object.keys(c.months).some(m => m.startsWith(state.month));
    const names = index.posts.filter(fits);
    let total = 0;
    for (const c of names) for (const [m, n] of Object.entries(c.months)) if (m.startsWith(state.month)) total += n;
    return { names, total };
  }
  async function* records(seen) {
    const terms = fold(state.query).split(/\s+/).filter(Boolean);
    for (const c of chunks().names) {
      for (const r of await load(c.file)) {
        if (state.tab === "post.posts" && state.month && !r.published.startsWith(state.month)) continue;
        seen.n++;
        if (terms.length === 0) { yield r; continue; }
        const text = wordsOf(r);
        if (terms.every(term => text.includes(term))) yield r;
      }
      if (terms.length) yield null; // a breath: progress is shown
    }
  }
  function report() {
    const s = source;
    $("status").textContent = s.total === 0 || (s.done && s.shown === 0) ? t().none
      : state.query ? t().found(s.shown, s.seen.n, s.total) : t().shown(s.shown, s.total);
    $("more").hidden = s.done;
  }
  async function fill() {
    const mine = turn, s = source, render = show[shape[state.tab]];
    $("more").disabled = true;
    try {
      for (let n = 0; n < pageSize && !s.done;) {
        const next = await s.from.next();
        if (mine !== turn) return;
        if (next.done) { s.done = true; break; }
        if (next.value === null) { report(); continue; }
        $("list").append(render(next.value));
        s.shown++;
        n++;
      }
      if (!s.done && s.seen.n === s.total && !state.query) s.done = true;
      report();
    } catch (e) {
      if (mine === turn) $("status").textContent = t().failed;
    }
    $("more").disabled = false;
  }
  function renew() {
    turn++;
    const seen = { n: 0 };
    source = { seen, shown: 0, done: false, total: chunks().total };
    source.from = records(seen);
    $("list").replaceChildren();
    fill();
  }

  function choice(text, current, act) {
    const b = el("button", "", text);
    b.type = "button";
    if (current) b.setAttribute("aria-current", "true");
    b.onclick = act;
    return b;
  }
  function draw() {
    const w = t(), a = index.account, html = document.documentElement;
    html.lang = state.lang === "zh" ? "zh-CN" : "en";
    document.title = a.display_name || a.name;
    $("skip").textContent = w.skip;
    $("name").textContent = a.display_name || a.name;
    $("made").textContent = "@" + a.name + (index.host ? "@" + index.host : "") + " · " + w.made(date(index.made), index.volume);
    $("bio").replaceChildren(linked(a.bio || ""));
    $("links").replaceChildren(...(a.links || []).map(l => el("li", "", l.label + " ", linked(l.url))));
    const notes = [index.scope.since ? w.since(date(index.scope.since)) : "", index.scope.media ? "" : w.bare, index.continued ? w.partly : "", index.missing ? w.lacking(index.missing) : ""];
    $("notes").textContent = notes.filter(Boolean).join(state.lang === "zh" ? "" : " ");
    $("language").textContent = w.other;
    $("language").lang = state.lang === "zh" ? "en" : "zh-CN";
    $("query-label").textContent = w.search;
    $("more").textContent = w.more;
    for (const [id, p] of [["avatar", a.avatar], ["cover", a.cover]]) {
      if (p && index.images[p]) { $(id).src = localPath(p); $(id).hidden = false; }
    }
    const own = index.classes.some(c => c.class === "post.posts"); // a circle as a whole has none of them
    const tabs = [...(own ? [{ class: "post.posts", count: index.posts.reduce((n, c) => n + c.count, 0) }] : []), ...index.lists];
    if (!own && state.tab === "post.posts") state.tab = (tabs.find(l => l.class === "circle.posts") || tabs[0] || { class: "post.posts" }).class;
    $("tabs").replaceChildren(...tabs.filter(l => shape[l.class]).map(l => choice((w.classes[l.class] || l.class) + " " + l.count, l.class === state.tab, () => { state.tab = l.class; state.month = ""; draw(); renew(); })));
    drawMonths();
  }
  function drawMonths() {
    const w = t(), years = new Map();
    for (const c of index.posts) for (const [m, n] of Object.entries(c.months)) {
      const y = m.slice(0, 4);
      if (!years.has(y)) years.set(y, new Map());
      years.get(y).set(m, (years.get(y).get(m) || 0) + n);
    }
    const pick = (m) => () => { state.month = m; draw(); renew(); };
    const out = [];
    for (const [y, months] of [...years].sort((a, b) => b[0].localeCompare(a[0]))) {
      let sum = 0;
      for (const n of months.values()) sum += n;
      const inside = [choice(w.all + " " + sum, state.month === y, pick(y)), ...[...months].sort((a, b) => b[0].localeCompare(a[0])).map(([m, n]) => choice(w.month(m.slice(5)) + " " + n, state.month === m, pick(m)))];
      const d = el("details", "", el("summary", "", w.year(y) + " · " + sum), el("div", "in", ...inside));
      d.open = state.month.startsWith(y);
      out.push(d);
    }
    if (state.month) out.unshift(choice(w.all, false, pick("")));
    $("months").replaceChildren(...out);
    $("months").hidden = state.tab !== "post.posts";
  }

  if (!index) { document.body.append(el("p", "", words.zh.failed), el("p", "", words.en.failed)); return; }
  $("language").onclick = () => { state.lang = state.lang === "zh" ? "en" : "zh"; draw(); renew(); };
  $("more").onclick = fill;
  $("search").onsubmit = e => e.preventDefault();
  let typing = 0;
  $("query").oninput = () => { clearTimeout(typing); typing = setTimeout(() => { state.query = $("query").value; renew(); }, 200); };
  $("layout").hidden = false;
  draw();
  renew();
})();
