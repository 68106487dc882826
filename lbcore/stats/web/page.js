// The statistics page, live: figures are fetched again and again, and plots drawn of what has come so far.
// Without this script the page is complete, and refreshes itself as a whole.
"use strict";

(() => {
  const MOST = 600; // samples that are kept
  const GAP = 30; // seconds without a sample after which those before count no more
  const OWN_PACE = 2; // seconds between two looks where the configuration does not say
  const STORE = "lbcore-stats" + location.pathname;

  const { live: liveUrl, refresh } = document.body.dataset;
  const pace = Number(refresh) || OWN_PACE;
  const samples = load(); // of all proxies: {at: seconds, of: {id: sums}}
  let timer = 0;
  let busy = false;
  let charts = null;

  // --- figures ---

  async function look() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(liveUrl, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      show(await answer.json());
      document.body.classList.remove("lost");
    } catch (error) {
      document.body.classList.add("lost");
    } finally {
      busy = false;
    }
  }

  function show(found) {
    for (const [key, text] of Object.entries(found.process)) set(document.getElementById("p-" + key), text, "");
    const rows = Object.entries(found.rows);
    const lines = document.querySelectorAll(".proxy tbody tr");
    if (rows.length !== lines.length || rows.some(([key]) => !document.getElementById(key))) {
      if (!document.querySelector("input[name=s]:checked")) location.reload();
      return; // rows came or went; what the reader has marked is not thrown away
    }
    for (const [key, [kind, cells]] of rows) {
      const line = document.getElementById(key);
      if (line.className !== kind) line.className = kind;
      fill(line, cells);
    }
    keep(found.plots);
  }

  function fill(line, cells) {
    const start = line.querySelector("th").cellIndex + 1;
    cells.forEach((cell, at) => {
      const [text, detail] = Array.isArray(cell) ? cell : [cell, ""];
      set(line.cells[start + at], text, detail);
    });
  }

  function set(place, text, detail) {
    if (!place) return;
    if (place.textContent !== text) place.textContent = text;
    if (detail && place.title !== detail) place.title = detail;
  }

  // --- plots ---

  function load() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(STORE)) || [];
      const last = kept[kept.length - 1];
      return last && Date.now() / 1000 - last.at < GAP ? kept : [];
    } catch (error) {
      return [];
    }
  }

  function keep(plots) {
    const of = {};
    for (const sums of plots) of[sums.id] = sums;
    samples.push({ at: Date.now() / 1000, of });
    if (samples.length > MOST) samples.shift();
    offer(plots);
    draw();
  }

  function offer(plots) {
    const choice = document.getElementById("plot-of");
    if (choice.options.length) return;
    choice.append(new Option("all", ""));
    for (const sums of plots) choice.append(new Option(sums.name, sums.id));
    choice.addEventListener("change", draw);
  }

  // What the plots show of the proxies chosen, from one sample to the next.
  function series() {
    const chosen = document.getElementById("plot-of").value;
    const rows = { at: [], sess: [], req: [], cur: [], queue: [], q: [], c: [], r: [] };
    for (let i = 1; i < samples.length; i++) {
      const [before, now] = [samples[i - 1], samples[i]];
      const sum = { sess: 0, req: 0, cur: 0, queue: 0, n: 0, q: 0, c: 0, r: 0 };
      for (const [id, one] of Object.entries(now.of)) {
        if ((chosen && id !== chosen) || !before.of[id]) continue;
        add(sum, before.of[id], one);
      }
      const seconds = Math.max(now.at - before.at, 0.001);
      rows.at.push(now.at);
      rows.sess.push(sum.sess / seconds);
      rows.req.push(sum.req / seconds);
      rows.cur.push(sum.cur);
      rows.queue.push(sum.queue);
      for (const key of ["q", "c", "r"]) rows[key].push(sum.n > 0 ? sum[key] / sum.n : null);
    }
    return rows;
  }

  function add(sum, before, now) {
    sum.cur += now.sessions || 0;
    sum.queue += now.queue || 0;
    if (now.front && before.front) {
      sum.sess += now.front[0] - before.front[0];
      sum.req += now.front[1] - before.front[1];
    }
    if (now.back && before.back) {
      if (!now.front) sum.sess += document.getElementById("plot-of").value ? now.back[0] - before.back[0] : 0;
      sum.n += now.back[1] - before.back[1];
      sum.q += now.back[2] - before.back[2];
      sum.c += now.back[3] - before.back[3];
      sum.r += now.back[4] - before.back[4];
    }
  }

  function chart(key, labels) {
    const box = document.getElementById("plot-" + key);
    const style = getComputedStyle(document.body);
    const colours = ["#3b82f6", "#e0701a", "#16a34a"];
    const axis = { stroke: style.color, grid: { stroke: style.getPropertyValue("--line"), width: 1 } };
    const options = {
      width: box.clientWidth || 300,
      height: 160,
      cursor: { y: false },
      scales: { y: { range: (u, low, high) => [0, Math.max(high || 0, 1)] } },
      axes: [axis, { ...axis, size: 56 }],
      series: [{}, ...labels.map((label, i) => ({
        label, stroke: colours[i], width: 1.5, spanGaps: true,
        value: (u, value) => (value == null ? "-" : value.toFixed(1)),
      }))],
    };
    return new uPlot(options, [[], ...labels.map(() => [])], box);
  }

  function draw() {
    if (samples.length < 2 || typeof uPlot === "undefined") return;
    document.getElementById("plots").hidden = false;
    charts = charts || {
      rates: chart("rates", ["sessions", "requests"]),
      queues: chart("queues", ["sessions", "queue"]),
      times: chart("times", ["queue", "connect", "response"]),
    };
    const rows = series();
    charts.rates.setData([rows.at, rows.sess, rows.req]);
    charts.queues.setData([rows.at, rows.cur, rows.queue]);
    charts.times.setData([rows.at, rows.q, rows.c, rows.r]);
  }

  addEventListener("resize", () => {
    for (const [key, one] of Object.entries(charts || {})) {
      one.setSize({ width: document.getElementById("plot-" + key).clientWidth || 300, height: 160 });
    }
  });

  addEventListener("pagehide", () => {
    try {
      sessionStorage.setItem(STORE, JSON.stringify(samples.slice(-MOST)));
    } catch (error) {
      // no room: the plots begin anew
    }
  });

  // --- what the reader does ---

  function run(on) {
    clearInterval(timer);
    timer = on ? setInterval(look, pace * 1000) : 0;
    button.setAttribute("aria-pressed", String(on));
    if (on) look();
  }

  const button = document.getElementById("live");
  button.hidden = false;
  button.addEventListener("click", () => run(!timer));
  document.addEventListener("visibilitychange", () => timer && look());

  for (const box of document.querySelectorAll("input.all")) {
    box.hidden = false;
    box.addEventListener("change", () => {
      for (const one of box.form.querySelectorAll("input[name=s]")) one.checked = box.checked;
    });
  }

  const scope = document.getElementById("scope");
  scope.hidden = false;
  scope.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = new FormData(scope).get("scope");
    location.assign(scope.getAttribute("action") + (text ? "?scope=" + encodeURIComponent(text) : ""));
  });

  // Fingers can't hover: a touch shows what a title says.
  let detail = null;
  document.addEventListener("click", (event) => {
    detail?.remove();
    detail = null;
    const place = event.target.closest("td[title], th[title]");
    if (!place) return;
    detail = document.createElement("div");
    detail.className = "detail";
    detail.textContent = place.title;
    document.body.append(detail);
    const box = place.getBoundingClientRect();
    const left = Math.min(box.left + scrollX, scrollX + innerWidth - detail.offsetWidth - 8);
    detail.style.left = Math.max(left, 0) + "px";
    detail.style.top = box.bottom + scrollY + "px";
  });

  draw();
  if (Number(refresh)) run(true);
})();
