// A browser by hand for the test of the simulators: real host names, one
// loopback port, a cookie jar of its own, redirects followed one by one.
import https from "node:https";

class Jar {
  constructor() {
    this.cookies = [];
  }

  take(lines, url) {
    for (const line of lines ?? []) {
      const [pair, ...rest] = line.split(";").map((part) => part.trim());
      const [name, value] = pair.split(/=(.*)/s, 2);
      const attribute = Object.fromEntries(
        rest.map((part) => {
          const [key, v = ""] = part.split(/=(.*)/s, 2);
          return [key.toLowerCase(), v];
        }),
      );
      const cookie = {
        name,
        value,
        domain: attribute.domain?.replace(/^\./, ""),
        host: url.hostname,
        path: attribute.path ?? "/",
      };
      this.cookies = this.cookies.filter(
        (c) =>
          c.name !== name ||
          c.path !== cookie.path ||
          (c.domain ?? c.host) !== (cookie.domain ?? cookie.host),
      );
      if (attribute["max-age"] === undefined || attribute["max-age"] > 0)
        this.cookies.push(cookie);
    }
  }

  header(url) {
    return this.cookies
      .filter(
        (c) =>
          (c.domain === undefined
            ? c.host === url.hostname
            : url.hostname === c.domain ||
              url.hostname.endsWith("." + c.domain)) &&
          url.pathname.startsWith(c.path),
      )
      .map((c) => `${c.name}=${c.value}`)
      .join("; ");
  }

  get(name, host) {
    return this.cookies.find(
      (c) => c.name === name && (host === undefined || c.host === host),
    )?.value;
  }

  set(name, value, host) {
    this.drop(name, host);
    this.cookies.push({ name, value, host, path: "/" });
  }

  drop(name, host) {
    this.cookies = this.cookies.filter(
      (c) => c.name !== name || (host !== undefined && c.host !== host),
    );
  }
}

export function form(fields) {
  return new URLSearchParams(fields).toString();
}

export function multipart(fields) {
  const boundary = "----granica7MA4YWxkTrZu0gW";
  const body =
    Object.entries(fields)
      .map(
        ([name, value]) =>
          `--${boundary}\r\nContent-Disposition: form-data; ` +
          `name="${name}"\r\n\r\n${value}\r\n`,
      )
      .join("") + `--${boundary}--\r\n`;
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

export class Browser {
  constructor(sim, operator) {
    this.sim = sim;
    this.port = sim.ports[operator];
    this.jar = new Jar();
  }

  /** One exchange, no redirect followed. */
  exchange(method, address, { body, type, headers = {} } = {}) {
    const url = new URL(address);
    const cookie = this.jar.header(url);
    const all = { Host: url.hostname, ...headers };
    if (cookie) all.Cookie = cookie;
    if (body !== undefined) {
      all["Content-Type"] = type ?? "application/x-www-form-urlencoded";
      all["Content-Length"] = Buffer.byteLength(body);
    }
    return new Promise((resolve, reject) => {
      const request = https.request(
        {
          host: "127.0.0.1",
          port: this.port,
          servername: url.hostname,
          ca: this.sim.ca,
          method,
          path: url.pathname + url.search,
          headers: all,
          agent: false,
        },
        (response) => {
          const pieces = [];
          response.on("data", (piece) => pieces.push(piece));
          response.on("error", reject);
          response.on("aborted", () => reject(new Error("aborted")));
          response.on("end", () => {
            this.jar.take(response.headers["set-cookie"], url);
            const bytes = Buffer.concat(pieces);
            resolve({
              status: response.statusCode,
              headers: response.headers,
              url,
              bytes,
              text: bytes.toString("utf8"),
              get json() {
                return JSON.parse(this.text);
              },
            });
          });
        },
      );
      request.on("error", reject);
      request.end(body);
    });
  }

  /** Follows redirects as browsers do; `hops` counts them. */
  async go(method, address, options = {}) {
    let answer = await this.exchange(method, address, options);
    let hops = 0;
    while ([301, 302, 303].includes(answer.status)) {
      if (++hops > 15) throw new Error("redirect loop");
      const next = new URL(answer.headers.location, answer.url);
      next.protocol = "https:";
      answer = await this.exchange("GET", next.href);
    }
    answer.hops = hops;
    return answer;
  }

  get(address, options) {
    return this.go("GET", address, options);
  }

  post(address, fields, headers) {
    return this.go("POST", address, { body: form(fields), headers });
  }

  postJson(address, value, headers) {
    return this.go("POST", address, {
      body: JSON.stringify(value),
      type: "application/json",
      headers,
    });
  }
}

export function unescapeHtml(text) {
  return text
    .replace(/&#(\d+);/g, (_, n) => String.fromCodePoint(Number(n)))
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&");
}

/** All hidden inputs of a page: {name: value}. */
export function hidden(page) {
  const fields = {};
  // attribute values may hold a raw greater-than
  const inputs = /<input type="hidden"(?:\s[\w-]+="[^"]*")*>/g;
  for (const [input] of page.matchAll(inputs)) {
    const name = / name="([^"]*)"/.exec(input)?.[1];
    const value = / value="([^"]*)"/.exec(input)?.[1];
    if (name !== undefined) fields[name] = unescapeHtml(value ?? "");
  }
  return fields;
}

export function between(text, begin, end) {
  const from = text.indexOf(begin);
  if (from < 0) throw new Error(`no ${begin}`);
  const to = text.indexOf(end, from + begin.length);
  return text.slice(from + begin.length, to);
}
