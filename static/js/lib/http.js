// fetch for our JSON: errors as one class, a session that ran out told apart from everything else.

/** kind: 'offline' (try again), 'busy' (try again), 'signed-out', 'conflict', 'refused' (never going to work as it is). */
export class RequestError extends Error {
  constructor(kind, message, { status = 0, code = "", details = {}, retryAfter = null } = {}) {
    super(message);
    this.name = "RequestError";
    this.kind = kind;
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

const TRY_AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);

export function kindOf(status) {
  if (status === 401) return "signed-out";
  if (status === 409) return "conflict";
  return TRY_AGAIN.has(status) ? "busy" : "refused";
}

export async function request(url, { method = "GET", body, signal, keepalive = false, timeout = 20000, headers = {} } = {}, fetcher = fetch) {
  const options = { method, keepalive, credentials: "same-origin", headers: { Accept: "application/json", ...headers } };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  options.signal = signal ?? AbortSignal.timeout(timeout);
  let response;
  try {
    response = await fetcher(url, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RequestError("offline", "The server did not answer.");
  }
  return read(response);
}

/** A part of a page, as the server drew it. */
export async function requestHtml(url, { timeout = 60000 } = {}, fetcher = fetch) {
  let response;
  try {
    response = await fetcher(url, { credentials: "same-origin", headers: { Accept: "text/html" }, signal: AbortSignal.timeout(timeout) });
  } catch {
    throw new RequestError("offline", "The server did not answer.");
  }
  if (response.status === 401 || (response.redirected && new URL(response.url).pathname === "/sign-in")) throw signedOut();
  if (!response.ok) throw new RequestError(kindOf(response.status), `The server answered ${response.status}.`, { status: response.status });
  return response.text();
}

async function read(response) {
  if (response.redirected && new URL(response.url).pathname === "/sign-in") throw signedOut();
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  const body = isJson ? await response.json().catch(() => null) : null;
  if (response.ok) {
    if (response.status === 204) return null;
    // A proxy's or a sign-in page where data should be: nothing was stored, so it has to be sent again.
    if (!isJson) throw new RequestError("busy", "Something other than Winnow answered.", { status: response.status });
    return body;
  }
  if (response.status === 401) throw signedOut();
  const { code = "", message, details = {} } = body?.error ?? {};
  const wait = Number(response.headers.get("Retry-After"));
  throw new RequestError(kindOf(response.status), message ?? `The server answered ${response.status}.`, {
    status: response.status, code, details, retryAfter: wait > 0 ? wait * 1000 : null,
  });
}

function signedOut() {
  return new RequestError("signed-out", "You are signed out.", { status: 401, code: "not_signed_in" });
}

/** Query of only what is set. */
export function withQuery(url, values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${url}?${text}` : url;
}
