/*
 * Live refresh: when the daemon says that there is a new snapshot, the page
 * is fetched again and its <main> replaced. Everything is on the page
 * without this module too.
 */
const MISSED_MAX = 2;

const button = document.getElementById("pause");
const PAUSE_MS = Number(button.dataset.refresh) * 1000;
const notice = document.getElementById("gone");
const title = { plain: document.title };
let source = null;
let paused = false;
let missed = 0;
let timer = 0;
let again = 0;
let last = Date.now();

function setGone(gone) {
  document.documentElement.classList.toggle("is-gone", gone);
  notice.hidden = !gone;
  notice.textContent = gone ? button.dataset.gone : "";
  document.title = gone ? "(!) " + title.plain : title.plain;
}

function arrived() {
  missed = 0;
  setGone(false);
}

function miss() {
  missed += 1;
  if (missed >= MISSED_MAX) {
    setGone(true);
  }
}

function openDetails(root) {
  return [...root.querySelectorAll("details[open][id]")].map((d) => d.id);
}

function replaceMain(page) {
  const fresh = page.getElementById("main");
  const old = document.getElementById("main");
  if (!fresh || !old) {
    return;
  }
  const open = openDetails(old);
  const active = document.activeElement;
  const links = [...old.querySelectorAll("a[href], summary, [tabindex='0']")];
  const focused = links.indexOf(active);
  const scroll = [...old.querySelectorAll(".scroll")].map((s) => s.scrollLeft);
  const main = document.importNode(fresh, true);
  old.replaceWith(main);
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  main.querySelectorAll(".scroll").forEach((s, i) => { s.scrollLeft = scroll[i] || 0; });
  if (focused >= 0) {
    main.querySelectorAll("a[href], summary, [tabindex='0']")[focused]?.focus({ preventScroll: true });
  } else if (active === old) {
    main.focus({ preventScroll: true });
  }
  const foot = page.querySelector("footer");
  if (foot) {
    document.querySelector("footer")?.replaceWith(document.importNode(foot, true));
  }
  title.plain = page.title;
  document.title = page.title;
}

function refresh() {
  timer = 0;
  last = Date.now();
  /* a document from XMLHttpRequest needs no trusted type: it is never run */
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";
  request.timeout = 10000;
  request.onload = () => {
    if (request.status === 200 && request.response && !paused) {
      arrived();
      replaceMain(request.response);
    } else if (request.status !== 200) {
      miss();
    }
  };
  request.onerror = miss;
  request.ontimeout = miss;
  request.send();
}

function schedule() {
  if (timer || paused || document.hidden) {
    return;
  }
  timer = setTimeout(refresh, Math.max(0, PAUSE_MS - (Date.now() - last)));
}

function connect() {
  clearTimeout(again);
  source = new EventSource("/api/v1/events");
  source.onopen = arrived;
  source.onerror = () => {
    miss();
    /* refused for good: there are too many streams; ask now and then */
    if (source.readyState === EventSource.CLOSED && !paused) {
      again = setTimeout(() => { schedule(); connect(); }, 30000);
    }
  };
  ["status", "incident", "resync"].forEach((name) => {
    source.addEventListener(name, schedule);
  });
}

function disconnect() {
  source?.close();
  source = null;
  clearTimeout(timer);
  clearTimeout(again);
  timer = 0;
}

button.hidden = false;
button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? button.dataset.resume : button.dataset.pause;
  if (paused) {
    disconnect();
  } else {
    connect();
    schedule();
  }
});
/* a browser has few connections for one host: only a page that is seen
   keeps one, and one that was left gives it back */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    disconnect();
  } else if (!paused && !source) {
    connect();
    schedule();
  }
});
window.addEventListener("pagehide", disconnect);
window.addEventListener("pageshow", () => {
  if (!paused && !source && !document.hidden) {
    connect();
    schedule();
  }
});
if (!document.hidden) {
  connect();
}
