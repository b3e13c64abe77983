// <file-drop class="drop" data-url="/api/…/imports" data-page="/p/…/imports"> around a form with a file and a source field,
// and [data-part="hint"], [data-part="state"]. Takes dropped files, shows how much went up, then opens the import's page.
import { h, part } from "../lib/dom.js";
import { bytes, percent } from "../lib/format.js";
import { withQuery } from "../lib/http.js";

export class FileDrop extends HTMLElement {
  #form; #upload = null; #depth = 0;

  connectedCallback() {
    this.#form = this.querySelector("form");
    part(this, "hint").replaceChildren(h("b", {}, "Drop a file here"), " or choose one");
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const file = this.#form.elements.file.files[0];
      if (file) this.#send(file);
    });
    this.addEventListener("dragenter", (event) => { event.preventDefault(); this.#over(1); });
    this.addEventListener("dragleave", () => this.#over(-1));
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#over(-this.#depth);
      const file = event.dataTransfer?.files[0];
      if (file) this.#send(file);
    });
  }

  disconnectedCallback() { this.#upload?.abort(); }

  #over(change) {
    this.#depth = Math.max(0, this.#depth + change);
    this.classList.toggle("is-over", this.#depth > 0);
  }

  #send(file) {
    if (this.#upload) return;
    const bar = h("progress", { max: "1", value: "0", "aria-label": `sending ${file.name}` });
    const text = h("span", { class: "muted" }, `Sending ${file.name}, ${bytes(file.size)}`);
    const cancel = h("button", { type: "button", class: "button is-small", onclick: () => this.#upload?.abort() }, "Cancel");
    part(this, "state").replaceChildren(h("div", { class: "job-line" }, text, h("span", { class: "grow" }), cancel), bar);
    // XMLHttpRequest because fetch does not say how much of a body has gone up.
    const upload = new XMLHttpRequest();
    this.#upload = upload;
    upload.open("POST", withQuery(this.dataset.url, {
      file_name: file.name, source: this.#form.elements.source.value.trim(),
      confidence_in_percent: this.#form.elements.confidence_in_percent.checked ? "true" : "",
      format: this.#form.elements.format.value, preset: this.#form.elements.preset?.value ?? "", preview: "true", ignore_case: this.#form.elements.ignore_case.checked ? "true" : "",
    }));
    upload.setRequestHeader("Content-Type", "application/octet-stream");
    upload.setRequestHeader("Accept", "application/json");
    upload.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      bar.value = event.loaded / event.total;
      text.textContent = event.loaded < event.total ? `Sending ${file.name}, ${percent(bar.value)} of ${bytes(file.size)}` : `Reading ${file.name}…`;
    });
    upload.addEventListener("load", () => this.#answered(upload, file));
    upload.addEventListener("error", () => this.#problem("The server could not be reached. Check the connection and send it again."));
    upload.addEventListener("abort", () => this.#problem("Not sent: cancelled.", "is-warning"));
    upload.send(file);
  }

  #answered(upload, file) {
    const answer = parse(upload.responseText);
    if (upload.status >= 200 && upload.status < 300 && answer) {
      location.assign(answer.url ?? this.dataset.page);
      return;
    }
    if (upload.status === 401) return this.#problem("You are signed out: sign in again in another tab, then send it again.");
    if (upload.status === 413) return this.#problem(answer?.error?.message ?? `${file.name} is larger than this server takes.`);
    this.#problem(answer?.error?.message ?? `The server answered ${upload.status}.`);
  }

  #problem(text, look = "is-error") {
    this.#upload = null;
    part(this, "state").replaceChildren(h("p", { class: `notice ${look}` }, h("span", { class: "notice-text" }, text)));
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
